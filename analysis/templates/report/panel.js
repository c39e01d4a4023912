/* A row's details, in a dialog: Escape or a click beside it closes, arrows go to the next row, the address names it. */
const panel = find('#panel');
const tools = document.createElement('div');
tools.className = 'panel-bar';
tools.innerHTML = `<button type="button" class="quiet" data-go="-1" aria-label="Previous row">↑</button>
<button type="button" class="quiet" data-go="1" aria-label="Next row">↓</button>
<button type="button" class="quiet" data-go="0">Close</button>`;
let opened = null;

function open(row, column) {
  opened = row;
  panel.replaceChildren(tools, document.getElementById(row.dataset.opens).content.cloneNode(true));
  for (const cell of all('[data-column]', panel)) cell.classList.toggle('chosen', cell.dataset.column === column);
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  remember(`#${row.dataset.opens}`);
}

function go(step) {
  const rows = all('[data-opens]', opened.closest('table')).filter(row => !row.hidden);
  const next = rows[rows.indexOf(opened) + step];
  if (next) open(next);
}

function remember(address) {
  try { history.replaceState(null, '', address); } catch { /* a viewer that keeps its address */ }
}

document.addEventListener('click', event => {
  const row = event.target.closest('[data-opens]');
  if (!row || event.target.closest('.fill') || String(getSelection())) return;
  open(row, event.target.closest('[data-column]')?.dataset.column);
});
tools.addEventListener('click', event => {
  const step = event.target.closest('button')?.dataset.go;
  if (step === '0') panel.close();
  else if (step) go(Number(step));
});
panel.addEventListener('keydown', event => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && !event.target.closest('.frame')) go(step);
});
panel.addEventListener('click', event => { if (event.target === panel && event.offsetX < 0) panel.close(); });
panel.addEventListener('close', () => {
  remember(`#${opened.closest('section').id}`);
  opened.querySelector('th button').focus();
});

const asked = decodeURIComponent(location.hash.slice(1));
const row = all('[data-opens]').find(found => found.dataset.opens === asked);
if (row) open(row);
