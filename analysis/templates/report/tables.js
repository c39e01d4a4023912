/* Sorting: a click ascends, a second descends, a third restores the paper's order. What was not measured stays last. */
const NEXT = { none: 'ascending', ascending: 'descending', descending: 'none' };

const number = text => Number.parseFloat((text ?? '').replace(/^[\s[]+/, '').replace('\u2212', '-'));

/* Of each row what its column is sorted by: what was measured, the paper's values where nothing was, else the words. */
function keys(rows, column) {
  const texts = name => rows.map(row => row.rows[0].cells[column].querySelector(name)?.textContent);
  const kinds = ['.value', '.paper'].map(name => texts(name).map(number));
  return kinds.find(values => values.some(Number.isFinite)) ?? rows.map(row => row.rows[0].cells[column].textContent);
}

function sort(table, column, order) {
  const rows = [...table.tBodies];
  rows.forEach((row, index) => { row.dataset.place ??= index; });
  const place = row => Number(row.dataset.place);
  const found = keys(rows, column);
  const key = new Map(rows.map((row, index) => [row, found[index]]));
  const sign = order === 'descending' ? -1 : 1;
  rows.sort((one, other) => {
    const [a, b] = [key.get(one), key.get(other)];
    if (order === 'none') return place(one) - place(other);
    if (typeof a === 'string') return sign * a.localeCompare(b, undefined, { numeric: true });
    if (Number.isFinite(a) !== Number.isFinite(b)) return Number.isFinite(a) ? -1 : 1;
    return sign * (a - b) || place(one) - place(other);
  });
  table.append(...rows);
}

for (const table of all('[data-sortable]')) table.tHead.addEventListener('click', event => {
  const head = event.target.closest('th');
  if (!head) return;
  const order = NEXT[head.ariaSort];
  for (const other of table.tHead.rows[0].cells) other.ariaSort = 'none';
  head.ariaSort = order;
  sort(table, head.cellIndex, order);
  say(order === 'none' ? 'In the order of the paper' : `Sorted by ${head.textContent.trim()}, ${order}`);
});
