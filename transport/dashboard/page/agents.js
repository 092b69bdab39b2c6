// Who is there, with their switches.
import { get, post } from './api.js';
import { dialog, el, field, fill, guarded } from './dom.js';
import { talkTo } from './people.js';

export async function agents(main, _, app) {
  const list = el('tbody');
  fill(main, el('h1', {}, 'Agents'),
    el('div.row', {}, el('button.main', { click: guarded(create) }, 'New agent')),
    el('div.card.scroll', { tabindex: 0, role: 'region', 'aria-label': 'Agents' }, el('table.stack', {},
      el('thead', {}, el('tr', {}, ['Name', 'About', 'Runs', ''].map((name) => el('th', { scope: 'col' }, name)))), list)));

  const refresh = guarded(async () => {
    const found = await get('/api/agents');
    fill(list, found.agents.length ? found.agents.map(row) : el('tr', {}, el('td', { colspan: 4 }, el('p.empty', {}, 'There is no agent yet. Make one, and let it run.'))));
  });

  function row(agent) {
    const runs = el('input', {
      type: 'checkbox', role: 'switch', 'aria-label': `${agent.name} runs`, checked: agent.status === 'active',
      change: guarded(async () => {
        runs.disabled = true;
        try {
          await post(`/api/agents/${agent.id}/${runs.checked ? 'start' : 'stop'}`);
        } finally {
          await refresh();
        }
      }),
    });
    return el('tr', {}, el('th', { scope: 'row' }, agent.name), el('td', {}, agent.bio), el('td', {}, el('span.switch', {}, runs)),
      el('td', {}, el('div.actions', {}, el('button', { click: guarded(async () => { location.hash = `#/chat/${await talkTo(agent)}`; }) }, 'Talk'),
        el('a', { href: `#/story/agents/${agent.id}` }, 'Story'), el('a', { href: `#/memory/${agent.id}` }, 'Memory'))));
  }

  await refresh();
  return app.feed.listen((facts) => facts.some((fact) => fact.type.startsWith('Agent')) && refresh());
}

async function create() {
  await dialog('New agent', [
    el('p.small.soft', {}, 'A file in the folder of characters, or a character as JSON.'),
    field('File', el('input', { name: 'path', placeholder: './characters/example.json' })),
    field('Character', el('textarea', { name: 'character', spellcheck: 'false', placeholder: '{"name": "Ada", "bio": "Counts."}' })),
  ], 'Create', (form) => {
    const character = form.get('character').trim();
    if (!character) return post('/api/agents', { characterPath: form.get('path') });
    let parsed;
    try {
      parsed = JSON.parse(character);
    } catch (error) {
      throw new Error(`The character is no JSON: ${error.message}`);
    }
    return post('/api/agents', { characterJson: parsed });
  });
}
