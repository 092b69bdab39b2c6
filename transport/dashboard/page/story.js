// One thing's story: each fact with who, when and what it changed; and the thing as it was after any of them.
import { get, query } from './api.js';
import { el, fill, guarded, json, short, time, who } from './dom.js';

const PAGE = 500;

export async function story(main, [kind, id]) {
  const where = `/api/history/${kind}/${id}`;
  const { events, next } = await get(where + query({ limit: PAGE }));
  const noun = kind.replace(/ies$/, 'y').replace(/s$/, '');
  const list = el('ol.list.facts.card', { 'aria-label': 'Facts, the oldest first' });
  const then = el('section.card.detail', { 'aria-label': 'As it was' });
  const slider = el('input', { type: 'range', min: 1, max: events.length, value: events.length, 'aria-label': 'Moment', input: () => choose(Number(slider.value) - 1) });
  const caption = el('p.small.soft', { 'aria-live': 'polite' });
  const go = (by) => { slider.value = Number(slider.value) + by; choose(Number(slider.value) - 1); };
  fill(main, el('h1', {}, `The story of ${noun} ${short(id)}`), el('p.mono.soft', {}, id),
    el('div.card', {}, el('div.moment', {}, el('button', { 'aria-label': 'The fact before', click: () => go(-1) }, '‹'), slider, el('button', { 'aria-label': 'The fact after', click: () => go(1) }, '›')), caption),
    el('div.split.even', {}, list, then));
  fill(list, events.map((fact, i) => el('li', {}, el('button.link', { 'data-entry': true, click: () => { slider.value = i + 1; choose(i); } }, fact.type), ' ', el('span.soft', {}, time(fact.at), ' by ', who(fact.actor), ' · '),
    el('a', { href: `#/cause/${fact.correlation}` }, 'what the request caused'), fact.unreadable && el('p.bad', {}, fact.unreadable), changes(fact))));

  let asked = 0;
  const choose = guarded(async (i) => {
    const mine = ++asked; // the slider may have gone on before the answer comes
    [...list.children].forEach((li, n) => (n === i ? li.setAttribute('aria-current', 'true') : li.removeAttribute('aria-current')));
    fill(caption, `Fact ${i + 1} of ${events.length}${next ? ', and there are more' : ''}: ${events[i].type}, `, time(events[i].at));
    const past = await get(where + query({ asOf: events[i].position }));
    if (mine !== asked) return;
    slider.setAttribute('aria-valuetext', `after ${events[i].type}`);
    then.setAttribute('aria-label', `As it was after ${events[i].type}`);
    fill(then, el('h2', {}, `As it was after ${events[i].type}`), el('p', {}, time(events[i].at)), past.exists ? json(past.state) : el('p.soft', {}, 'It was not there.'));
  });
  if (events.length) await choose(events.length - 1);
}

// changes are what a fact changed in the thing. A whole thing that came or went is shown by its state.
function changes(fact) {
  const shown = (fact.changes ?? []).filter((change) => change.path);
  if (!shown.length) return null;
  return el('ul.diff', {}, shown.map((change) => el('li', {}, change.path,
    change.before !== undefined && [' ', el('del', {}, JSON.stringify(change.before))], change.after !== undefined && [' ', el('ins', {}, JSON.stringify(change.after))])));
}
