// Making the page. Everything is made of elements and text nodes: no markup ever comes from data.

// el makes an element: 'button.main' with attributes (functions are listeners), then texts and elements.
export function el(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (name === 'value' || name === 'checked' || name === 'selected') node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  return add(node, children);
}

// add appends texts, elements and lists of them; nothing stands for itself.
export function add(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

// svg makes a drawing's element.
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return add(node, children);
}

// field is a labelled control.
export function field(label, control) { return el('label', {}, label, control); }

export function select(options, attributes = {}) {
  return el('select', attributes, options.map(([value, text]) => el('option', { value, selected: value === attributes.value }, text)));
}

export function time(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? el('span', {}, '—') : el('time', { datetime: date.toISOString(), title: date.toISOString() }, clock(date));
}

const sameDay = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const otherDay = new Intl.DateTimeFormat([], { dateStyle: 'short', timeStyle: 'medium' });

function clock(date) {
  return (date.toDateString() === new Date().toDateString() ? sameDay : otherDay).format(date);
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?/g;

// json shows a value, its keys and texts told apart.
export function json(value) {
  const text = JSON.stringify(value, null, 2) ?? '';
  const parts = [];
  let at = 0;
  for (const token of text.matchAll(TOKEN)) {
    parts.push(text.slice(at, token.index), el(token[2] ? 'span.key' : 'span.text', {}, token[1]), token[2]);
    at = token.index + token[0].length;
  }
  return el('pre', { tabindex: 0 }, parts, text.slice(at));
}

// who is an actor, an agent's id cut short.
export function who(actor) {
  return el('span', { title: actor }, String(actor ?? '').replace(/^(agent:)([0-9a-f]{8})-[0-9a-f-]{27}$/, 'agent $2'));
}

export function short(id) { return String(id ?? '').slice(0, 8); }

// notice tells of an error, for a while.
export function notice(error) {
  const node = el('div.notice', {}, error?.message ?? String(error));
  document.getElementById('notices').append(node);
  setTimeout(() => node.remove(), 8000);
}

// guarded runs what a person asked for, and tells when it fails.
export function guarded(work) {
  return async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      notice(error);
      return undefined;
    }
  };
}

// dialog opens a modal one with a form, and answers with what submit returns, or undefined.
export function dialog(title, content, action, submit) {
  return new Promise((resolve) => {
    let result;
    const box = el('dialog', { 'aria-label': title, close: () => { box.remove(); resolve(result); } });
    const form = el('form', {
      method: 'dialog',
      submit: guarded(async (event) => {
        event.preventDefault();
        result = submit ? await submit(new FormData(form)) : undefined;
        box.close();
      }),
    }, el('h2', {}, title), content, el('div.row', {},
      action && el('button.main', { type: 'submit' }, action),
      el('button', { type: 'button', click: () => box.close() }, action ? 'Cancel' : 'Close')));
    document.body.append(add(box, form));
    box.showModal();
  });
}
