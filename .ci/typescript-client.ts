// A client as an application has one: types by openapi-typescript from the server's own description, calls by openapi-fetch,
// compiled with everything that tsc calls strict. An array that could be null would not compile here.
//
//   node typescript-client.js BASE
import createClient from 'openapi-fetch';
import type { paths } from './api.js';

const baseUrl = process.argv[2];
if (baseUrl === undefined) throw new Error('name the server');
const annals = createClient<paths>({ baseUrl });

/** The data of an answer, or the error that it is. */
function given<T>(what: string, answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(`${what}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

const ann = '11111111-1111-4111-8111-111111111111';
const server = '00000000-0000-0000-0000-000000000000';

const health = given('health', await annals.GET('/api/server/health'));
if (health.data.status !== 'OK') throw new Error(`not well: ${health.data.status}`);

const made = given('create an agent', await annals.POST('/api/agents', { body: { characterJson: { name: 'Typed', bio: ['Compiles.'] } } }));
const agent = made.data.id;
given('start it', await annals.POST('/api/agents/{agentId}/start', { params: { path: { agentId: agent } } }));
const agents = given('list agents', await annals.GET('/api/agents')).data.agents;
if (!agents.some((a) => a.id === agent)) throw new Error('the agent is not in the list');

const opened = given('open a channel', await annals.POST('/api/messaging/central-channels', {
  body: { name: 'Typed', server_id: server, type: 'DM', participantCentralUserIds: [ann, agent] },
}));
const channelId = opened.data.id;
const sent = given('say something', await annals.POST('/api/messaging/central-channels/{channelId}/messages', {
  params: { path: { channelId }, query: { wait: 'reply' } },
  body: { author_id: ann, server_id: server, content: 'I feel at home here.' },
}));
if (sent.data.id === '') throw new Error('the message has no id');
const messages = given('read them', await annals.GET('/api/messaging/central-channels/{channelId}/messages', { params: { path: { channelId } } })).data.messages;
if (!messages.some((m) => m.authorId === agent)) throw new Error('the agent did not answer');

const nobody = await annals.GET('/api/agents/{agentId}', { params: { path: { agentId: ann } } });
if (nobody.error?.error.code !== 'NOT_FOUND') throw new Error(`an unknown agent: ${JSON.stringify(nobody.error)}`);
console.log(`a strict client: ${agents.length} agents, ${messages.length} messages`);
