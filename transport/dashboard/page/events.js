// What happens, as it happens; and from the history, what happened before.
import { get, optional, query } from './api.js';
import { el, field, fill, guarded, json, time, who } from './dom.js';

const ROWS = 300;
const PAGE = 100;

export async function events(main, _, app) {
  let paused; // the facts as they were when the stream was paused
  let older = []; // from the history, oldest first
  let chosen;
  const filters = {
    type: el('input', { 'data-first': true, placeholder: 'MessageSubmitted', input: () => draw() }),
    stream: el('input', { placeholder: 'channel-…', input: () => draw() }),
    text: el('input', { type: 'search', placeholder: 'anything', input: () => draw() }),
  };
  const pause = el('button', { 'aria-pressed': 'false', click: () => toggle() }, 'Pause');
  const rows = el('div.entries.card', { role: 'region', 'aria-label': 'Events, the newest first' });
  const detail = el('section.card.detail', { 'aria-label': 'The chosen event' }, el('p.empty', {}, 'Choose an event to see what is in it.'));
  const more = el('button', { click: guarded(loadOlder) }, 'Earlier events');
  fill(main, el('h1', {}, 'Events'),
    el('div.row.filters', {}, field('Type', filters.type), field('Stream', filters.stream), field('Text', filters.text), pause),
    el('div.split.even', {}, el('div', {}, rows, el('div.below', {}, more)), detail));

  const fits = (fact) => fact.type.toLowerCase().includes(filters.type.value.toLowerCase()) && fact.stream.startsWith(filters.stream.value.trim())
    && (!filters.text.value || JSON.stringify(fact).toLowerCase().includes(filters.text.value.toLowerCase()));

  function draw() {
    const focused = document.activeElement?.dataset?.position;
    const list = [...older, ...(paused ?? app.feed.facts)].filter(fits).slice(-ROWS).reverse();
    fill(rows, list.length ? list.map(row) : el('p.empty', {}, 'Nothing that fits, so far.'));
    if (focused) rows.querySelector(`[data-position="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  function row(fact) {
    return el('button.entry', {
      'data-entry': true, 'data-position': fact.position, 'aria-current': fact.position === chosen && 'true', click: () => choose(fact),
    }, time(fact.at), el('span.type', {}, fact.type), el('span.gist', {}, gist(fact)));
  }

  function choose(fact) {
    chosen = fact.position;
    draw();
    fill(detail, el('h2', {}, fact.type), el('p.mono', {}, fact.stream), el('p', {}, time(fact.at), ' by ', el('strong', {}, who(fact.actor))),
      el('p.links', {}, links(fact)), json(fact.data));
  }

  function toggle() {
    paused = paused ? undefined : app.feed.facts;
    pause.setAttribute('aria-pressed', String(Boolean(paused)));
    pause.textContent = paused ? 'Go on' : 'Pause';
    draw();
  }

  async function loadOlder() {
    const first = older[0] ?? app.feed.facts[0];
    const found = await optional(get(`/api/history/events${query({ direction: 'backwards', limit: PAGE, before: first?.position })}`));
    more.disabled = !found?.events?.length;
    older = [...(found?.events ?? []).reverse(), ...older];
    draw();
  }

  let due = false; // a busy stream is drawn ten times a second
  const soon = () => {
    if (due || paused) return;
    due = true;
    setTimeout(() => { due = false; draw(); }, 100);
  };
  const space = (event) => {
    if (event.key !== ' ' || event.target.closest('input, textarea, select, button, dialog')) return;
    event.preventDefault();
    toggle();
  };
  document.addEventListener('keydown', space);
  const stop = app.feed.listen(soon);
  if (!app.feed.facts.length) await loadOlder();
  draw();
  return () => { stop(); document.removeEventListener('keydown', space); };
}

// gist is what one line has room for.
export function gist(fact) {
  const data = fact.data ?? {};
  return data.content?.text ?? (typeof data.content === 'string' ? data.content : undefined) ?? data.character?.name ?? data.name ?? data.reason ?? data.outcome ?? fact.stream;
}

const STORIES = { agent: 'agents', channel: 'channels', message: 'messages', memory: 'memories' };

// links lead to the story of what a fact is about, and to all that its request caused.
export function links(fact) {
  const at = fact.stream.indexOf('-');
  const kind = STORIES[fact.stream.slice(0, at)];
  return [
    kind && el('a', { href: `#/story/${kind}/${fact.stream.slice(at + 1)}` }, 'its story'),
    fact.correlation && el('a', { href: `#/cause/${fact.correlation}` }, 'all that the request caused'),
    fact.data?.sourceType === 'agent_response' && el('a', { href: `#/why/messages/${fact.data.messageId}` }, 'why this answer'),
    fact.stream.startsWith('turn-') && el('a', { href: `#/why/turns/${fact.stream.slice(5)}` }, 'why it ended so'),
  ];
}
