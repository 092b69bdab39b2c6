#!/usr/bin/env node
// An OpenAI-compatible endpoint that says what the scripted model of the recording said: it repeats, stays silent where it
// reads GOLDEN_IGNORE, and names every conversation alike. Prints its base URL.
import http from 'node:http';

const answer = messages => {
  const last = messages.at(-1).content, asked = messages.map(m => m.content).join('\n');
  if (asked.includes('You name conversations.')) return 'Golden Contract Title';
  if (asked.includes('RESPOND') && asked.includes('IGNORE')) return newest(last).includes('GOLDEN_IGNORE') ? 'IGNORE' : 'RESPOND';
  return 'Fake reply to: ' + last;
};
// The conversation is quoted in one message; its last line that somebody said is to be answered.
const newest = text => text.split('\n').filter(l => /^\S.*: /.test(l)).at(-1) ?? text;

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const c of request) chunks.push(c);
  const { messages, stream, model } = JSON.parse(Buffer.concat(chunks).toString() || '{"messages":[{"content":""}]}');
  const content = answer(messages);
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  if (!stream) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 'scripted', object: 'chat.completion', model, usage, choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }] }));
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  const send = (choice, more) => response.write(`data: ${JSON.stringify({ id: 'scripted', object: 'chat.completion.chunk', model, choices: [choice], ...more })}\n\n`);
  send({ index: 0, delta: { role: 'assistant', content } });
  send({ index: 0, delta: {}, finish_reason: 'stop' }, { usage });
  response.end('data: [DONE]\n\n');
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/v1`));
