// What agents are asked for: the sessions that are open, jobs and what became of them, and how each agent deals with messages.
import { call, get, query } from './api.js';
import { el, field, fill, guarded, json, select, short, time } from './dom.js';

const SHOWN = 50;
const SOON = 100; // ms: several facts at once are one reason to read again

export async function work(main, [agentID], app) {
  const { agents } = await get('/api/agents');
  const names = new Map(agents.map((agent) => [agent.id, agent.name]));
  const name = (id) => names.get(id) ?? short(id);
  const chosen = agentID ?? agents[0]?.id;
  const tables = [sessionsOf(name), jobsOf(name), runsOf(chosen)];
  const choice = select(agents.map((agent) => [agent.id, agent.name]), { value: chosen, change: (event) => { location.hash = `#/work/${event.target.value}`; } });
  fill(main, el('h1', {}, 'Work'), tables[0].node, tables[1].node, agents.length > 0 && el('div.row', {}, field('Runs of', choice)), tables[2].node);
  await Promise.all(tables.map((table) => table.refresh()));
  const asked = new Map(); // table → the timer after which it is read again
  const end = app.feed.listen((facts) => {
    for (const table of tables) {
      if (asked.has(table) || !facts.some((fact) => table.concerns.test(fact.type))) continue;
      asked.set(table, setTimeout(() => { asked.delete(table); table.refresh(); }, SOON));
    }
  });
  return () => { end(); asked.forEach(clearTimeout); };
}

// table has a title, and rows that read finds. concerns are the types of facts after which it is read again.
function table(title, columns, concerns, empty, read) {
  const list = el('tbody');
  const node = el('section', { 'aria-label': title }, el('h2', {}, title), el('div.card.scroll', { tabindex: 0, role: 'region', 'aria-label': `List of ${title}` },
    el('table.stack', {}, el('thead', {}, el('tr', {}, columns.map((column) => el('th', { scope: 'col' }, column)))), list)));
  const refresh = guarded(async () => {
    const rows = await read();
    fill(list, rows.length ? rows : el('tr', {}, el('td', { colspan: columns.length }, el('p.empty', {}, empty))));
  });
  return { node, refresh, concerns };
}

const row = (head, ...cells) => el('tr', {}, el('th', { scope: 'row' }, head), cells.map((cell) => el('td', {}, cell)));
const links = (kind, id, channel) => el('div.actions', {}, el('a', { href: `#/chat/${channel}` }, 'Talk'), el('a', { href: `#/story/${kind}/${id}` }, 'Story'));

function sessionsOf(name) {
  return table('Sessions', ['Session', 'Agent', 'User', 'Last used', 'Ends', 'Renewed', ''], /^Session/, 'No session is open.', async () => {
    const { sessions } = await get('/api/messaging/sessions' + query({ limit: SHOWN }));
    return sessions.map((s) => row(short(s.sessionId), name(s.agentId), short(s.userId), time(s.lastActivity), time(s.expiresAt), s.renewalCount, links('sessions', s.sessionId, s.channelId)));
  });
}

function jobsOf(name) {
  const cancel = (job) => el('button', { 'aria-label': `Cancel job ${short(job.jobId)}`, click: guarded(() => call('DELETE', `/api/messaging/jobs/${job.jobId}`)) }, 'Cancel');
  return table('Jobs', ['Job', 'Agent', 'Status', 'Asked', 'Answer', 'Since', ''], /^Job|^MessageEdited|^MessageDeleted/, 'There is no job.', async () => {
    const { jobs } = await get('/api/messaging/jobs' + query({ limit: SHOWN }));
    return jobs.map((j) => row(short(j.jobId), name(j.agentId), j.status, j.prompt, j.result?.message.content ?? j.error, time(j.createdAt),
      [links('jobs', j.jobId, j.channelId), j.status === 'processing' && cancel(j)]));
  });
}

function runsOf(agent) {
  return table('Runs', ['Began', 'Status', 'Took', 'Model calls', 'Tokens', 'Why', ''], /^MessageSubmitted|^TurnCompleted|^LogRecorded/, 'The agent has not dealt with a message.', async () => {
    if (!agent) return [];
    const { runs } = await get(`/api/agents/${agent}/runs` + query({ limit: SHOWN }));
    return runs.map(({ metadata: more, ...r }) => row(time(r.startedAt), r.status, r.durationMs === null ? '' : `${r.durationMs} ms`, r.counts.modelCalls,
      (more.promptTokens ?? 0) + (more.completionTokens ?? 0), more.reason ?? more.outcome, el('a', { href: `#/run/${agent}/${r.runId}` }, 'Events')));
  });
}

// run tells what happened while an agent dealt with a message.
export async function run(main, [agent, id]) {
  const { summary, events } = await get(`/api/agents/${agent}/runs/${id}`);
  fill(main, el('h1', {}, `Run ${short(id)}`), el('p.soft', {}, `${summary.status}, `, time(summary.startedAt), ' ', el('a', { href: `#/chat/${summary.metadata.channelId}` }, 'Talk')),
    el('ol.list.facts.card', { 'aria-label': 'What happened' }, events.map((event) => el('li', {}, el('h2', {}, event.type), time(event.timestamp), json(event.data)))));
}
