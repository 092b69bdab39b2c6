// What happens, over /ws: every fact once and in order, also across cuts, since each subscription resumes after its position.
import { get } from './api.js';

const FIRST_PAUSE = 500;
const LAST_PAUSE = 5000;

export class Stream {
  constructor(status) {
    this.status = status; // told 'live', 'cut' or 'connecting'
    this.subscriptions = new Map();
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  // subscribe calls on.events(list) for what fits the filter, on.partial(chunk) for answers under way, and on.reset() when
  // the server's log is another one than before. It answers with the function that ends it.
  subscribe(id, filter, on, after = '') {
    const wish = { filter, on, after };
    this.subscriptions.set(id, wish);
    this.send({ id, subscribe: filter, after });
    return () => {
      if (this.subscriptions.get(id) !== wish) return;
      this.subscriptions.delete(id);
      this.send({ id, unsubscribe: true });
    };
  }

  send(wish) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish));
  }

  async connect() {
    this.status('connecting');
    try {
      await get('/api/server/status'); // with the key, which the server exchanges for the cookie that sockets send
    } catch {
      this.later();
      return;
    }
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
    this.socket = socket;
    socket.addEventListener('open', () => {
      this.pause = FIRST_PAUSE;
      this.status('live');
      for (const [id, wish] of this.subscriptions) this.send({ id, subscribe: wish.filter, after: wish.after });
    });
    socket.addEventListener('message', (message) => this.hear(JSON.parse(message.data)));
    socket.addEventListener('close', () => this.later());
  }

  later() {
    this.status('cut');
    setTimeout(() => this.connect(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(2 * this.pause, LAST_PAUSE);
  }

  hear(frame) {
    const wish = this.subscriptions.get(frame.id ?? '');
    if (!wish) return;
    if (frame.events) {
      wish.after = frame.position;
      if (frame.events.length) wish.on.events(frame.events);
    } else if (frame.caughtUp) {
      wish.after = frame.caughtUp;
    } else if (frame.reset) {
      wish.after = frame.reset;
      this.send({ id: frame.id, subscribe: wish.filter, after: wish.after });
      wish.on.reset?.();
    } else if (frame.stream) {
      wish.on.partial?.(frame.stream);
    }
  }
}
