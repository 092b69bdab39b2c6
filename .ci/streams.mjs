// Asks for answers as server-sent events and holds them against those that were recorded from ElizaOS 1.7.2: the same events in the same
// order, with every recorded key of that type, and chunks that make the text. A request that is repeated under its Idempotency-Key with
// a Last-Event-ID gets the one answer.
//
//   node streams.mjs BASE rest-1.7.jsonl
import assert from 'node:assert/strict';
import fs from 'node:fs';

const [base, recording] = process.argv.slice(2);
const home = '00000000-0000-0000-0000-000000000000', ann = '11111111-1111-4111-8111-111111111111';
const api = async (path, body, headers = {}) => {
  const answer = await fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};
const data = answer => JSON.parse(answer.text).data;
const events = answer => {
  assert.deepEqual([answer.status, answer.type.split(';')[0]], [200, 'text/event-stream'], answer.text);
  return answer.text.split('\n\n').filter(e => e.startsWith('event: ')).map(e => ({
    event: /^event: (.*)$/m.exec(e)[1], id: /^id: (.*)$/m.exec(e)[1], data: JSON.parse(/^data: (.*)$/m.exec(e)[1]),
  }));
};
const kind = v => v === null ? 'null' : Array.isArray(v) ? 'array' : typeof v;
const order = all => all.map(e => e.event).filter((name, i, names) => name !== names[i - 1]); // each run of chunks once

const agent = data(await api('/api/agents', { characterJson: { name: 'Streams', bio: ['Answers in pieces.'] } })).id;
await api(`/api/agents/${agent}/start`, {});
const channel = data(await api('/api/messaging/channels', { name: 'Streams', type: 'DM', message_server_id: home, participantCentralUserIds: [ann, agent] })).id;
const path = `/api/messaging/channels/${channel}/messages`;

let held = 0;
for (const line of fs.readFileSync(recording, 'utf8').trim().split('\n')) {
  const { name, area, profile, request, response } = JSON.parse(line);
  // What fails, has no text, or acts depends on the recording's model; of channels of people alone see replay-1.7-pending.
  if (area !== 'messages' || profile !== 'default' || !response.body?.sse || /fail|empty|action|two-users/.test(name)) continue;
  const body = { ...request.body, message_server_id: home }, headers = { 'idempotency-key': name };
  const got = events(await api(path, body, headers));
  assert.deepEqual(order(got), order(response.body.sse), name);
  for (const was of response.body.sse) {
    const is = got.find(e => e.event === was.event).data;
    for (const key in was.data) assert.equal(kind(is[key]), kind(was.data[key]), `${name}: ${was.event}.${key}`);
  }
  const chunks = got.filter(e => e.event === 'chunk').map(e => e.data), done = got.at(-1).data;
  assert.equal(chunks.map(c => c.chunk).join(''), done.text, name);
  assert.deepEqual(chunks.map(c => c.index), chunks.map((_, i) => i), name);
  assert.ok(chunks.every(c => c.messageId === done.responseId), name);
  const { messages } = JSON.parse(await (await fetch(base + path)).text()).data;
  assert.equal(messages.find(m => m.id === done.responseId)?.content, done.text, `${name}: the answer is a message of the channel`);
  const again = events(await api(path, body, { ...headers, 'last-event-id': got[1].id }));
  assert.deepEqual(again.at(-1).data, done, `${name}: the same again gets the one answer`);
  held++;
}
assert.ok(held >= 3, `only ${held} streams were recorded`);
console.log(`${held} streams held`);
