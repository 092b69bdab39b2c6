// Why an agent said what it said: what it was asked, what it remembered, what the model was given, and what led to it.
import { get } from './api.js';
import { el, fill, json, short, time } from './dom.js';
import { gist, links } from './events.js';

export async function why(main, [message]) {
  const { reply, turn, calls, attempts, causes, request } = await get(`/api/history/messages/${message}/why`);
  fill(main, el('h1', {}, 'Why this answer'),
    el('div.cards', {},
      el('section.card.wide', {}, el('h2', {}, 'It said'), el('p', {}, reply.data.content), el('p.small', {}, time(reply.at), ' by ', reply.actor)),
      el('section.card', {}, el('h2', {}, 'The turn'), turn ? figures(turn, attempts) : el('p.warn', {}, 'It is not complete yet.')),
      el('section.card', {}, el('h2', {}, 'What it remembered'), remembered(turn?.memories ?? [])),
      el('section.card.wide', {}, el('h2', {}, 'What led to it'), el('ol.list', {}, causes.map((fact) => el('li', {}, el('strong', {}, fact.type), ' ', gist(fact), ' ', el('span.small', {}, time(fact.at), ' by ', fact.actor, ' ', links(fact)))),
        el('li', {}, el('strong', {}, 'The request'), ' ', el('span.mono', {}, request.id), ' ', el('span.small', {}, time(request.at), ' by ', request.actor)))),
      el('section.card.wide', {}, el('h2', {}, 'What models were asked'), calls.length ? calls.map((call) => el('div', {}, el('p', {}, el('strong', {}, call.type), ' ', time(call.at)), json(call.body))) : el('p.soft', {}, 'No model was asked.'))));
}

function figures(turn, attempts) {
  const rows = [['Outcome', turn.outcome], ['Model', turn.model], ['Tokens of the prompt', turn.promptTokens], ['Tokens of the answer', turn.completionTokens], ['Time', turn.durationMs && `${turn.durationMs} ms`], ['Attempts', attempts], ['Reason', turn.reason]];
  return el('table', {}, el('tbody', {}, rows.filter(([, value]) => value).map(([name, value]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value)))));
}

function remembered(memories) {
  if (!memories.length) return el('p.soft', {}, 'Nothing was found for it.');
  return el('ul.list', {}, memories.map((use) => el('li', {}, el('a', { href: `#/story/memories/${use.memoryId}` }, `memory ${short(use.memoryId)}`), use.score !== undefined && el('span.small.soft', {}, ` score ${use.score.toFixed(4)}`))));
}
