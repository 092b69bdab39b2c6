// Why an agent said what it said, or nothing: what it was asked, what it remembered, what the model was given, and what led to it.
import { get } from './api.js';
import { el, fill, json, short, time, who } from './dom.js';
import { gist, links } from './events.js';

export async function why(main, [kind, id]) {
  const { reply, abort, turn, calls, attempts, causes, request } = await get(`/api/history/${kind}/${id}/why`);
  fill(main, el('h1', {}, reply ? 'Why this answer' : 'Why there is no answer'),
    el('div.cards', {},
      reply && el('section.card.wide', {}, el('h2', {}, 'It said'), el('p.wrap', {}, reply.data.content), el('p.small.soft', {}, time(reply.at), ' by ', who(reply.actor))),
      abort && el('section.card', {}, el('h2', {}, 'It was aborted'), el('p', {}, time(abort.at), ' by ', who(abort.actor))),
      el('section.card', {}, el('h2', {}, 'The turn'), turn ? figures(turn, attempts) : el('p.warn', {}, 'It is not complete yet.')),
      el('section.card', {}, el('h2', {}, 'What it remembered'), remembered(turn?.memories ?? [])),
      el('section.card.wide', {}, el('h2', {}, 'What led to it'), el('ol.list', {}, causes.map((fact) => el('li', {}, el('strong', {}, fact.type), ' ', gist(fact), ' ', el('div.small.links', {}, el('span.soft', {}, time(fact.at), ' by ', who(fact.actor)), links(fact)))),
        el('li', {}, el('strong', {}, 'The request'), ' ', el('span.mono', {}, request.id), ' ', el('div.small.soft', {}, time(request.at), ' by ', who(request.actor))))),
      el('section.card.wide', {}, el('h2', {}, 'What models were asked'), calls.length ? calls.map(asked) : el('p.soft', {}, 'No model was asked.'))));
}

// asked shows a call of a model: what it was given and what it gave as they are read, and the rest besides.
function asked(call) {
  const { prompt, response, ...rest } = typeof call.body === 'object' && call.body ? call.body : { response: call.body };
  const told = (name, text) => text !== undefined && [el('h3', {}, name), typeof text === 'string' ? el('pre.box', { tabindex: 0 }, text) : json(text)];
  return el('div', {}, el('p', {}, el('strong', {}, call.type), ' ', el('span.small.soft', {}, time(call.at))), told('It was given', prompt), told('It thought', call.reasoning), told('It gave', response),
    el('details', {}, el('summary', {}, 'All that was noted of the call'), json(rest)));
}

function figures(turn, attempts) {
  const rows = [['Outcome', turn.outcome], ['Model', turn.model], ['Tokens of the prompt', turn.promptTokens], ['Tokens of the answer', turn.completionTokens], ['Time', turn.durationMs && `${turn.durationMs} ms`], ['Attempts', attempts], ['Reason', turn.reason]];
  return el('table.values', {}, el('tbody', {}, rows.filter(([, value]) => value).map(([name, value]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value)))));
}

function remembered(memories) {
  if (!memories.length) return el('p.soft', {}, 'Nothing was found for it.');
  return el('ul.list', {}, memories.map((use) => el('li', {}, el('a', { href: `#/story/memories/${use.memoryId}` }, `memory ${short(use.memoryId)}`), use.score !== undefined && el('span.small.soft', {}, ` score ${use.score.toFixed(4)}`))));
}
