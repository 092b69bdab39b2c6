// How the server is, now.
import { get } from './api.js';
import { el, fill, guarded, svg } from './dom.js';

const EVERY = 3000;

export async function overview(main, _, app) {
  const rate = el('section.card.wide', { 'aria-labelledby': 'rate' });
  const parts = el('section.card', { 'aria-labelledby': 'parts' });
  const agents = el('section.card', { 'aria-labelledby': 'running' });
  const waiting = el('section.card', { 'aria-labelledby': 'waiting' });
  const models = el('section.card.wide', { 'aria-labelledby': 'models' });
  fill(main, el('h1', {}, 'Overview'), el('div.cards', {}, rate, agents, waiting, parts, models));

  const draw = () => fill(rate, el('h2', { id: 'rate' }, 'Events per second'), chart(app.feed.rates()));
  const refresh = guarded(async () => {
    if (document.hidden) return;
    const [health, list, stuck] = await Promise.all([get('/api/server/health'), get('/api/agents'), get('/api/server/parked')]);
    const running = list.agents.filter((agent) => agent.status === 'active').length;
    fill(agents, el('h2', { id: 'running' }, 'Agents'), el('p.figure', {}, running, el('span.soft.small', {}, ` of ${list.agents.length} run`)),
      el('p', {}, el('a', { href: '#/agents' }, 'All agents')));
    fill(waiting, el('h2', { id: 'waiting' }, 'Parked'), el(`p.figure${stuck.count ? '.bad' : ''}`, {}, stuck.count, el('span.soft.small', {}, stuck.count === 1 ? ' event that a reaction gave up' : ' events that reactions gave up')),
      el('p', {}, el('a', { href: '#/parked' }, 'What is parked')));
    fill(parts, el('h2', { id: 'parts' }, 'Dependencies'), el('ul.list.pairs', {}, Object.entries(health.dependencies ?? {}).map(([name, state]) =>
      el('li', {}, el('span', {}, NAMES[name] ?? name), el(`span.${tone(state)}`, {}, state === 'no_agents' ? 'no agent runs' : state)))));
    fill(models, el('h2', { id: 'models' }, 'Read models'), table(health.projections ?? []));
  });
  draw();
  await refresh();
  const timers = [setInterval(draw, 1000), setInterval(refresh, EVERY)];
  return () => timers.forEach(clearInterval);
}

const NAMES = { agents: 'Agents', eventstore: 'Event store', postgres: 'PostgreSQL', projections: 'Projections' };

function tone(state) { return state === 'healthy' ? 'good' : state === 'no_agents' ? 'warn' : 'bad'; }

function chart(rates) {
  const most = Math.max(...rates, 1);
  const points = rates.map((n, i) => `${i},${100 - (n / most) * 96}`).join(' ');
  const now = rates.slice(-5).reduce((sum, n) => sum + n, 0) / 5;
  return [
    el('p', {}, el('span.figure', {}, now.toFixed(1)), el('span.soft.small', {}, ` now · ${most} at most in five minutes`)),
    svg('svg', { class: 'rate', viewBox: `0 0 ${rates.length - 1} 100`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `Events per second in the last five minutes; now ${now.toFixed(1)}` },
      [4, 52, 100].map((y) => svg('line', { x1: 0, x2: rates.length - 1, y1: y, y2: y })), svg('polygon', { points: `0,100 ${points} ${rates.length - 1},100` }), svg('polyline', { points })),
    el('div.axis', { 'aria-hidden': 'true' }, el('span', {}, 'five minutes ago'), el('span', {}, 'now')),
  ];
}

function table(projections) {
  return el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': 'Read models' }, el('table', {},
    el('thead', {}, el('tr', {}, ['Name', 'Group', 'Version', 'Generation', 'Behind', 'State'].map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, projections.map((p) => el('tr', {},
      el('th', { scope: 'row' }, p.name), el('td', {}, p.group), el('td', {}, p.version), el('td', {}, p.generation || '—'),
      el('td', {}, p.lag.events ? `${p.lag.events}${p.lag.more ? '+' : ''} events, ${p.lag.seconds.toFixed(1)} s` : 'nothing'),
      el('td', {}, state(p)))))));
}

function state(p) {
  if (p.stopped) return el('span.bad', {}, `stands still: ${p.stopped}`);
  if (p.filling) return [el('span.warn', {}, `filling generation ${p.filling} `), p.progress !== undefined && [el('progress', { max: 1, value: p.progress, 'aria-label': `Rebuild of ${p.name}` }), ` ${Math.round(100 * p.progress)} %`]];
  return el('span.good', {}, 'up to date');
}
