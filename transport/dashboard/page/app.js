// The dashboard: which view is shown, the keys, and what every view works with.
import { dialog, el, fill, notice } from './dom.js';
import { Stream } from './stream.js';
import { Feed } from './feed.js';
import { overview } from './overview.js';
import { agents } from './agents.js';
import { chat } from './chat.js';
import { events } from './events.js';
import { memory } from './memory.js';
import { parked } from './parked.js';
import { story } from './story.js';
import { cause } from './cause.js';
import { why } from './why.js';
import { run, work } from './work.js';

// A view is a function of (main, parts of the path, app) that fills main, and answers with what ends it, if anything does.
const VIEWS = { '': overview, agents, chat, events, memory, work, run, parked, story, cause, why };
const LISTED = [['', 'Overview', 'o'], ['agents', 'Agents', 'a'], ['chat', 'Chat', 'c'], ['events', 'Events', 'e'], ['memory', 'Memory', 'm'], ['work', 'Work', 'w'], ['parked', 'Parked', 'p']];

const main = document.getElementById('main');
const connection = document.getElementById('connection');
const stream = new Stream((state) => {
  connection.dataset.state = state;
  connection.textContent = { live: 'live', cut: 'cut off, trying again', connecting: 'connecting' }[state];
});
const app = { stream, feed: new Feed(stream) };

let end;
let shown = 0;

async function show() {
  const mine = ++shown;
  const [name, ...parts] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  end?.();
  end = undefined;
  for (const link of document.querySelectorAll('#views a')) {
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const box = el('div', {}, el('p.loading', {}, 'Loading…'));
  fill(main, box);
  try {
    const ended = await (VIEWS[name] ?? unknown)(box, parts, app);
    if (mine === shown) end = ended;
    else ended?.();
  } catch (error) {
    notice(error);
    if (mine === shown && box.querySelector('.loading')) fill(box, el('h1', { tabindex: -1 }, 'This cannot be shown now'), el('p', {}, error.message), el('button', { click: show }, 'Try again'));
  }
  const heading = mine === shown && main.querySelector('h1');
  if (heading) {
    heading.tabIndex = -1;
    if (!main.contains(document.activeElement)) heading.focus({ preventScroll: true });
    document.title = `${heading.textContent} — Annals`;
  }
}

function unknown(box) { fill(box, el('h1', {}, 'There is no such view'), el('p', {}, el('a', { href: '#/' }, 'Go to the overview'))); }

const KEYS = [['g then o, a, c, e, m, w, p', 'go to a view'], ['/', 'go to the filter or the text to write'], ['j, k', 'next and previous entry'], ['space', 'in the events: pause and go on'], ['t', 'light or dark'], ['?', 'this list']];

function help() {
  dialog('Keys', el('table', {}, el('tbody', {}, KEYS.map(([key, what]) => el('tr', {}, el('td', {}, el('kbd', {}, key)), el('td', {}, what))))));
}

const THEME = 'annals.theme';

function dress(theme) { document.documentElement.dataset.theme = theme; }

function otherTheme() {
  const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem(THEME, theme);
  dress(theme);
}

let going = false; // after g

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, dialog')) return;
  const to = going && LISTED.find(([, , key]) => key === event.key);
  going = event.key === 'g';
  if (to) location.hash = `#/${to[0]}`;
  else if (event.key === '?') help();
  else if (event.key === 't') otherTheme();
  else if (event.key === '/') main.querySelector('[data-first]')?.focus();
  else if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1);
  else return;
  event.preventDefault();
});

function step(by) {
  const entries = [...main.querySelectorAll('[data-entry]')];
  const at = entries.indexOf(document.activeElement);
  entries[at < 0 ? 0 : Math.min(Math.max(at + by, 0), entries.length - 1)]?.focus();
}

dress(localStorage.getItem(THEME) ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
document.getElementById('theme').addEventListener('click', otherTheme);
document.getElementById('help-button').addEventListener('click', help);
fill(document.getElementById('views'), LISTED.map(([view, text]) => el('a', { href: `#/${view}`, 'data-view': view }, text)));
window.addEventListener('hashchange', show);
show();
