// Everything that one request caused, as a tree.
import { get } from './api.js';
import { add, el, fill, time, who } from './dom.js';
import { gist, links } from './events.js';

export async function cause(main, [correlation]) {
  const { tree, events } = await get(`/api/history/correlations/${correlation}`);
  fill(main, el('h1', {}, 'What the request caused'), el('p.mono.soft', {}, correlation), el('p.soft', {}, `${events} ${events === 1 ? 'fact' : 'facts'}`),
    el('div.card', {}, el('ul.tree', {}, tree.map(branch))));
}

function branch(fact) {
  const item = el('li', {}, el('strong', {}, fact.type), ' ', el('span.soft', {}, gist(fact)), ' ', el('span.small', {}, el('span', {}, time(fact.at), ' by ', who(fact.actor)), links({ ...fact, correlation: undefined })));
  return fact.caused ? add(item, el('ul', {}, fact.caused.map(branch))) : item;
}
