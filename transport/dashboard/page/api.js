// The server's REST API, as the page uses it.
import { dialog, el, field } from './dom.js';

const KEY = 'annals.key';

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let asking; // one dialog for everybody who waits for a key

function askForKey() {
  asking ??= dialog('This server wants its key', el('div.row', {},
    field('ELIZA_SERVER_AUTH_TOKEN', el('input', { type: 'password', name: 'key', required: true, autocomplete: 'current-password' }))),
  'Use it', (form) => {
    sessionStorage.setItem(KEY, form.get('key'));
    return true;
  }).finally(() => { asking = undefined; });
  return asking;
}

// call answers with the data of the envelope, and fails with Refused.
export async function call(method, path, body, headers = {}) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const answer = await fetch(path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(key ? { 'X-API-KEY': key } : {}), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.status === 401 && await askForKey()) continue;
    const text = await answer.text();
    let whole = {};
    try {
      whole = text ? JSON.parse(text) : {};
    } catch {
      throw new Refused(answer.status, 'UNREADABLE', `${path}: the answer is no JSON (status ${answer.status})`);
    }
    // An unhealthy server answers 503 with its state beside the error, which is what the page wants to show.
    if (!answer.ok && !(answer.status === 503 && whole.dependencies)) {
      throw new Refused(answer.status, whole.error?.code, whole.error?.message ?? `${method} ${path}: status ${answer.status}`);
    }
    return whole.data ?? whole;
  }
}

export const get = (path) => call('GET', path);
export const post = (path, body = {}) => call('POST', path, body);
export const remove = (path) => call('DELETE', path);

// query makes a query string of what is set.
export function query(parts) {
  const set = Object.entries(parts).filter(([, value]) => value !== '' && value !== undefined && value !== null);
  return set.length ? '?' + new URLSearchParams(set) : '';
}

// optional answers undefined where the server has no such route or thing.
export async function optional(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.status === 404) return undefined;
    throw error;
  }
}
