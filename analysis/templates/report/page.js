'use strict';

const find = selector => document.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const say = words => { find('#said').textContent = words; };

/* Colours: as the system, light, dark; kept where the browser lets a file keep things. */
const SCHEMES = { auto: 'Auto', light: 'Light', dark: 'Dark' };
const kept = { get: () => { try { return localStorage.getItem('scheme'); } catch { return null; } },
               set: name => { try { localStorage.setItem('scheme', name); } catch { /* lasts for this visit */ } } };

function colour(name) {
  document.documentElement.dataset.scheme = name;
  find('#scheme-name').textContent = SCHEMES[name];
  find('#scheme').setAttribute('aria-label', `Colours: ${name === 'auto' ? 'as the system' : name}`);
}

colour(SCHEMES[kept.get()] ? kept.get() : 'auto');
find('#scheme').addEventListener('click', () => {
  const names = Object.keys(SCHEMES);
  const next = names[(names.indexOf(document.documentElement.dataset.scheme) + 1) % names.length];
  colour(next);
  kept.set(next);
});

/* What is shown: items that have every word of the filter, and the verdict that is chosen. */
const words = new WeakMap();

function textOf(element) {
  if (!words.has(element)) words.set(element, element.textContent.toLowerCase());
  return words.get(element);
}

const has = (item, verdict) => !verdict || !item.dataset.verdicts || item.dataset.verdicts.split(' ').includes(verdict);

function show() {
  const wanted = find('#find').value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = find('.chip[aria-pressed="true"]')?.dataset.verdict ?? '';
  let some = false;
  for (const part of all('[data-part]')) {
    const heading = textOf(part.querySelector('h2'));
    const items = all('[data-item]', part);
    const found = items.filter(item => wanted.every(word => heading.includes(word) || textOf(item).includes(word)));
    for (const item of items) item.hidden = !found.includes(item) || !has(item, verdict);
    part.hidden = !found.length;
    some ||= found.length > 0;
  }
  find('#nothing').hidden = some;
}

let waiting = 0;
find('#find').addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(show, 80); });
document.addEventListener('keydown', event => {
  if (event.key === '/' && !/INPUT|TEXTAREA/.test(event.target.tagName) && !find('#panel').open) {
    event.preventDefault();
    find('#find').focus();
  }
});
for (const chip of all('.chip')) chip.addEventListener('click', () => {
  for (const other of all('.chip')) other.setAttribute('aria-pressed', String(other === chip));
  show();
});

/* Copying; where the browser refuses, the command is selected for the reader's own keys. */
document.addEventListener('click', async event => {
  const button = event.target.closest('.copy');
  if (!button) return;
  const code = button.parentElement.querySelector('code');
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
    say('Copied');
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  } catch {
    getSelection().selectAllChildren(code);
    say('Selected; copy it with your keyboard');
  }
});

/* Contents begin closed where they stand above the page instead of beside it. */
if (matchMedia('(max-width: 70rem)').matches) find('#contents').open = false;
