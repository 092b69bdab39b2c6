// What agents remember, found by meaning or by words.
import { get, query } from './api.js';
import { el, field, fill, guarded, select, short, time } from './dom.js';

const MODES = [['hybrid', 'both'], ['semantic', 'meaning'], ['text', 'words']];

export async function memory(main, [chosen]) {
  const { agents } = await get('/api/agents');
  const results = el('div', { 'aria-live': 'polite' });
  const agent = select(agents.map((a) => [a.id, a.name]), { name: 'agent', value: chosen });
  const mode = select(MODES, { name: 'mode', value: 'hybrid' });
  const table = el('input', { name: 'table', placeholder: 'all' });
  const text = el('input', { type: 'search', name: 'q', 'data-first': true, required: true, placeholder: 'What is it about?' });
  fill(main, el('h1', {}, 'Memory'),
    agents.length ? el('form.row.filters', { submit: guarded(search) }, field('Agent', agent), field('By', mode), field('Table', table), el('label.grow', {}, 'For', text), el('button.main', { type: 'submit' }, 'Search'))
      : el('p.empty', {}, 'There is no agent yet.'),
    results);
  if (agents.length) fill(results, el('p.empty', {}, 'Search what an agent remembers: by what it means, by its words, or by both.'));

  async function search(event) {
    event.preventDefault();
    const found = await get(`/api/memory/agents/${agent.value}/memories/search${query({ q: text.value, mode: mode.value, tableName: table.value.trim(), limit: 50 })}`);
    fill(results, el('p.small.soft', {}, `${found.memories.length} found · ${found.mode}${found.model ? ` · ${found.model}, ${found.dimensions} dimensions` : ''}`),
      found.memories.length ? el('ul.list.card', {}, found.memories.map(hit)) : el('p.empty', {}, 'Nothing of the kind is remembered.'));
  }
}

function hit(m) {
  return el('li', {}, el('p', {}, m.content?.text ?? JSON.stringify(m.content)),
    el('p.small.soft', {}, [m.score !== undefined && `score ${m.score.toFixed(4)}`, m.similarity !== undefined && m.similarity !== null && `similarity ${m.similarity.toFixed(3)}`, m.type, `room ${short(m.roomId)}`].filter(Boolean).join(' · '), ' · ', time(m.createdAt), ' · ',
      el('a', { href: `#/story/memories/${m.id}`, 'data-entry': true }, 'story')));
}
