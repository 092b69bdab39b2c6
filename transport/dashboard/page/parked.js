// What reactions gave up: looked at, tried again, or forgotten.
import { call, get, post, remove } from './api.js';
import { dialog, el, fill, guarded, json, time } from './dom.js';
import { links } from './events.js';

const EVERY = 5000;
const WHERE = '/api/server/parked';

export async function parked(main) {
  const list = el('tbody');
  const all = el('button', { click: guarded(async () => { await post(`${WHERE}/retry`); await refresh(); }) }, 'Retry all');
  fill(main, el('h1', {}, 'Parked'),
    el('p.soft', {}, 'Events that a reaction was given and could not deal with. A retry delivers them again; what was done already is not done twice.'),
    el('div.row', {}, el('button', { click: () => refresh() }, 'Look again'), all),
    el('div.card.scroll', { tabindex: 0, role: 'region', 'aria-label': 'Parked events' }, el('table.stack', {},
      el('thead', {}, el('tr', {}, ['Event', 'Reaction', 'Parked', 'Reason', ''].map((name) => el('th', { scope: 'col' }, name)))), list)));

  const refresh = guarded(async () => {
    const found = await get(WHERE);
    all.disabled = !found.count;
    fill(list, found.count ? found.parked.map(row) : el('tr', {}, el('td', { colspan: 5 }, el('p.empty', {}, 'Nothing is parked.'))));
  });

  function row(event) {
    const one = `${WHERE}/${event.id}`;
    const of = `?group=${encodeURIComponent(event.group)}`;
    return el('tr', {}, el('th', { scope: 'row' }, event.type, el('div.mono.soft', {}, event.stream)), el('td', {}, event.group), el('td', {}, time(event.parkedAt)), el('td', {}, event.reason),
      el('td', {}, el('div.actions', {}, el('button', { 'data-entry': true, click: guarded(async () => { await call('POST', `${one}/retry${of}`, {}); await refresh(); }) }, 'Retry'),
        el('button', { click: guarded(() => show(one + of)) }, 'Show'),
        el('button', { click: guarded(async () => { await remove(one + of); await refresh(); }) }, 'Forget'))));
  }

  await refresh();
  const timer = setInterval(() => document.hidden || list.contains(document.activeElement) || refresh(), EVERY);
  return () => clearInterval(timer);
}

async function show(path) {
  const { parked: event } = await get(path);
  await dialog(event.type, el('div', {}, el('p', {}, event.reason), el('p.links', {}, links({ ...event, correlation: event.correlationId })), json(event.data)));
}
