// The newest facts, kept for the views, and how many there were in each second.
const KEPT = 2000;
const SECONDS = 300;

export class Feed {
  constructor(stream) {
    this.facts = []; // oldest first
    this.listeners = new Set();
    this.counts = new Map(); // second → number
    stream.subscribe('all', {}, {
      events: (list) => this.take(list),
      reset: () => { this.facts = []; this.tell([]); },
    });
  }

  take(list) {
    const second = Math.floor(Date.now() / 1000);
    this.counts.set(second, (this.counts.get(second) ?? 0) + list.length);
    for (const old of this.counts.keys()) if (old < second - SECONDS) this.counts.delete(old);
    this.facts = this.facts.concat(list).slice(-KEPT);
    this.tell(list);
  }

  tell(list) { for (const listener of this.listeners) listener(list); }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // rates are the numbers of the last seconds, oldest first, without the one that is not over.
  rates() {
    const now = Math.floor(Date.now() / 1000);
    return Array.from({ length: SECONDS }, (_, i) => this.counts.get(now - SECONDS + i) ?? 0);
  }
}
