// Calls every method of the published api-clients, audio excepted, of ElizaOS 1.2.0 and 1.7.2 against one server, and tells which
// succeed. Between the calls that make and those that take away, the server is killed: what was made has to be there afterwards.
//
//   node api-client.mjs BINARY FOLDER-OF-A-PACKAGE[,FOLDER…] [KEY]
//
// What a method takes is what its types say and, where the recorded server wants something else, that too. It fails when a
// method fails, or when a package has one that is not called here.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { start } from './server.mjs';

const [binary, folders, key] = process.argv.slice(2);
const apiKey = key || undefined;
const work = fs.mkdtempSync(join(os.tmpdir(), 'annals-clients-'));
fs.chmodSync(work, 0o711); // PostgreSQL runs as another user
const serve = () => start(binary, work, apiKey ? { ELIZA_SERVER_AUTH_TOKEN: apiKey } : {});

// What the client of 1.7.2 calls otherwise.
const renamed = {
  addAgentToServer: 'addAgentToMessageServer', getAgentsForServer: 'getAgentsForMessageServer', getServersForAgent: 'getMessageServersForAgent',
  removeAgentFromServer: 'removeAgentFromMessageServer', createServer: 'createMessageServer', listServers: 'listMessageServers',
  syncServerChannels: 'syncMessageServerChannels', getServerChannels: 'getMessageServerChannels', deleteServer: 'deleteMessageServer',
  createWorldFromServer: 'createWorldFromMessageServer',
};

const ann = '11111111-1111-4111-8111-111111111111', bob = '22222222-2222-4222-8222-222222222222', home = '00000000-0000-0000-0000-000000000000';
const pixel = new Blob([Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')], { type: 'image/png' });
const until = async (what, ask) => {
  for (const end = Date.now() + 60_000; ;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited a minute for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};

// casesOf is how each method is called, and what is made on the way.
function casesOf(client, base) {
  const { agents, messaging, memory, media, server, system, sessions, runs, jobs } = client;
  const today = Boolean(sessions), mark = today ? 'Today' : 'Client';
  const place = `${today ? 3 : 4}3333333-3333-4333-8333-333333333333`; // a world
  const of = { base, uploads: [] };
  const shown = (uploaded, type) => { of.uploads.push([uploaded, type]); return shows(of.base, uploaded, type); };
  const say = content => messaging.ingestExternalMessages({ channel_id: of.channel, server_id: home, author_id: ann, content, source_type: 'test' });

  const cases = {
    system: {
      buildUrl: () => assert.equal(system.buildUrl('/x', { params: { a: 1 } }), `${of.base}/x?a=1`),
      getHeaders: () => assert.equal(system.getHeaders()['X-API-KEY'], apiKey),
      getEnvironment: async () => assert.equal(typeof await system.getEnvironment(), 'object'),
      updateLocalEnvironment: async () => {
        of.environment = await system.getEnvironment();
        await system.updateLocalEnvironment({ variables: { ...of.environment, TEST_OF_CLIENT: '1' }, merge: true });
        assert.equal((await system.getEnvironment()).TEST_OF_CLIENT, '1');
        await system.updateLocalEnvironment({ content: { TEST_OF_CLIENT: '2' } });
        await system.updateLocalEnvironment({ TEST_OF_CLIENT: '3' });
        assert.deepEqual(await system.getEnvironment(), { TEST_OF_CLIENT: '3' });
        await system.updateLocalEnvironment({ content: of.environment });
      },
      getGlobalLogs: async () => {
        const all = await system.getGlobalLogs({ limit: 5, level: 'all' });
        assert.ok(all.logs.length > 0 && all.levels.length === 9, JSON.stringify(all).slice(0, 200));
      },
      deleteLog: () => assert.rejects(system.deleteLog('1'), /not supported/),     // the client sends no request
      deleteGlobalLogs: () => system.deleteGlobalLogs(),
    },
    agents: {
      createAgent: async () => {
        of.agent = (await agents.createAgent({ characterJson: { name: `${mark} Test`, bio: ['Is called by every method.'], plugins: [] } })).id;
        of.other = (await agents.createAgent({ agent: { name: `${mark} Other`, bio: ['Is there too.'] } })).id;
      },
      listAgents: async () => assert.ok((await agents.listAgents()).agents.some(a => a.id === of.agent)),
      getAgent: async () => assert.equal((await agents.getAgent(of.agent)).name, `${mark} Test`),
      updateAgent: async () => assert.equal((await agents.updateAgent(of.agent, { system: 'Be brief.' })).system, 'Be brief.'),
      startAgent: async () => {
        assert.equal((await agents.startAgent(of.agent)).status, 'active');
        await agents.startAgent(of.other);
      },
      getWorlds: async () => assert.ok(Array.isArray((await agents.getWorlds()).worlds)),
      addAgentToWorld: async () => {
        of.world = (await agents.addAgentToWorld(of.agent, place)).world.id;
        assert.ok((await agents.getWorlds()).worlds.some(w => w.id === of.world));
      },
      updateAgentWorldSettings: () => agents.updateAgentWorldSettings(of.agent, of.world, { quiet: true }),
      getAgentPanels: async () => assert.ok(Array.isArray((await agents.getAgentPanels(of.agent)).panels)),
      addAgentToServer: async () => assert.equal((await agents.addAgentToServer(of.server, of.agent)).agentId, of.agent),
      getAgentsForServer: async () => assert.deepEqual((await agents.getAgentsForServer(of.server)).agents, [of.agent]),
      getServersForAgent: async () => assert.ok((await agents.getServersForAgent(of.agent)).servers.includes(of.server)),
      removeAgentFromServer: () => agents.removeAgentFromServer(of.server, of.agent),
      getAgentLogs: async () => {
        of.log = (await until('a log of the agent', async () => {
          const found = await agents.getAgentLogs(of.agent, { level: 'info', limit: 10, offset: 0 });
          return found.length > 0 && found;
        }))[0].id;
      },
      deleteAgentLog: async () => {
        await agents.deleteAgentLog(of.agent, of.log);
        assert.ok(!(await agents.getAgentLogs(of.agent)).some(l => l.id === of.log));
      },
      stopAgent: () => agents.stopAgent(of.other),
      deleteAgent: async () => { await agents.deleteAgent(of.other); await agents.deleteAgent(of.agent); },
    },
    messaging: {
      createServer: async () => { of.server = (await messaging.createServer({ name: 'Client Server', sourceType: 'test', sourceId: 's-1' })).server.id; },
      ...(today ? { getCurrentMessageServer: async () => assert.equal((await messaging.getCurrentMessageServer()).messageServerId, home) } : {}),
      listServers: async () => assert.ok((await messaging.listServers()).servers.some(s => s.id === of.server)),
      syncServerChannels: async () => {
        const channels = [{ name: 'general', type: 'GROUP', sourceId: 'c-1' }, { name: 'random', type: 'GROUP', sourceId: 'c-2' }];
        await messaging.syncServerChannels(of.server, { channels });
        await messaging.syncServerChannels(of.server, { channels });
        assert.deepEqual((await messaging.getServerChannels(of.server)).channels.map(c => c.name).sort(), ['general', 'random']);
      },
      getServerChannels: async () => assert.ok(Array.isArray((await messaging.getServerChannels(home)).channels)),
      createChannel: async () => {
        await messaging.createChannel({ name: 'By its types', type: 'GROUP', serverId: of.server, messageServerId: of.server });
        of.channel = (await (today // whose createChannel sends no participants
          ? messaging.createGroupChannel({ name: 'Client Channel', participantIds: [ann, of.agent], metadata: { type: 'DM', isDm: true } })
          : messaging.createChannel({ name: 'Client Channel', type: 'DM', server_id: home, participantCentralUserIds: [ann, of.agent], metadata: { isDm: true } }))).id;
      },
      createGroupChannel: async () => {
        const typed = await messaging.createGroupChannel({ name: 'By its types', participantIds: [ann, of.agent] });
        assert.deepEqual(await messaging.getChannelParticipants(typed.id), [ann, of.agent]);
        of.group = (await messaging.createGroupChannel({ name: 'Client Group', server_id: home, participantCentralUserIds: [ann], participantIds: [ann] })).id;
      },
      getOrCreateDmChannel: async () => {
        const one = await messaging.getOrCreateDmChannel({ participantIds: [ann, of.agent] });
        const other = await messaging.getOrCreateDmChannel(today ? { participantIds: [ann, of.agent] } : { targetUserId: of.agent, currentUserId: ann });
        assert.equal(one.id, other.id);
      },
      getChannelDetails: async () => assert.equal((await messaging.getChannelDetails(of.channel)).name, 'Client Channel'),
      getChannelParticipants: async () => assert.deepEqual(await messaging.getChannelParticipants(of.channel), [ann, of.agent]),
      addAgentToChannel: async () => assert.equal((await messaging.addAgentToChannel(of.group, of.agent)).agentId, of.agent),
      removeAgentFromChannel: () => messaging.removeAgentFromChannel(of.group, of.agent),
      addUserToChannel: async () => {
        await messaging.addUserToChannel(of.group, bob);
        assert.deepEqual(await messaging.getChannelParticipants(of.group), [ann, bob], 'who took part before still does');
      },
      addUsersToChannel: async () => {
        await messaging.addUsersToChannel(of.group, [bob, of.other]);
        assert.deepEqual(await messaging.getChannelParticipants(of.group), [ann, bob, of.other]);
      },
      removeUserFromChannel: async () => {
        await messaging.removeUserFromChannel(of.group, bob);
        assert.deepEqual(await messaging.getChannelParticipants(of.group), [ann, of.other]);
      },
      updateChannel: async () => assert.equal((await messaging.updateChannel(of.group, { name: 'Renamed' })).name, 'Renamed'),
      postMessage: async () => {
        const posted = await messaging.postMessage(of.channel, 'I feel at home here.', { user_display_name: 'Ann' });
        assert.equal(posted.channel_id, of.channel);
        of.message = posted.id;
        await until('an answer', async () => (await messaging.getChannelMessages(of.channel)).messages.some(m => m.authorId === of.agent));
      },
      getChannelMessages: async () => {
        const { messages } = await messaging.getChannelMessages(of.channel, { limit: 10, before: new Date(Date.now() + 60_000).toISOString() });
        assert.ok(messages.some(m => m.id === of.message));
      },
      getMessage: async () => assert.equal((await messaging.getMessage(of.message)).content, 'I feel at home here.'),
      updateMessage: async () => assert.equal((await messaging.updateMessage(of.message, 'I feel well here.')).content, 'I feel well here.'),
      searchMessages: async () => {
        const { messages } = await messaging.searchMessages({ query: 'feel well', channelId: of.channel, limit: 5 });
        assert.ok(messages.some(m => m.id === of.message), JSON.stringify(messages).slice(0, 300));
      },
      submitMessage: async () => {
        const native = { channel_id: of.channel, server_id: home, author_id: of.agent, content: 'native', source_type: 'agent_response', raw_message: { text: 'native' } };
        assert.equal((await messaging.submitMessage(native)).content, 'native');
        const typed = await messaging.submitMessage({ agentId: of.agent, channelId: of.channel, content: 'typed', inReplyToMessageId: of.message });
        assert.deepEqual([typed.authorId, typed.channelId, typed.content], [of.agent, of.channel, 'typed']);
      },
      completeMessage: async () => {
        await messaging.completeMessage({ channel_id: of.channel, server_id: home });
        await messaging.completeMessage({ messageId: of.message, status: 'completed' });
      },
      ingestExternalMessages: async () => {
        assert.ok((await say('from elsewhere')).messageId);
        const messages = [{ id: 'x-1', authorId: 'u-1', content: 'one', timestamp: Date.now() }, { id: 'x-2', authorId: 'u-2', content: 'two', timestamp: Date.now() }];
        assert.equal((await messaging.ingestExternalMessages({ platform: 'test', channelId: of.channel, messages })).processed, 2);
      },
      generateChannelTitle: async () => {
        for (const text of ['I like gardens.', 'And apple trees.', 'In autumn.']) await say(text);
        assert.equal((await messaging.generateChannelTitle(of.channel, of.agent)).channelId, of.channel);
      },
      deleteMessage: async () => {
        await messaging.deleteMessage(of.channel, of.message);
        await assert.rejects(messaging.getMessage(of.message), { status: 404 });
      },
      clearChannelHistory: async () => {
        await messaging.clearChannelHistory(of.channel);
        assert.deepEqual((await messaging.getChannelMessages(of.channel)).messages, []);
      },
      deleteChannel: async () => {
        await messaging.deleteChannel(of.group);
        await assert.rejects(messaging.getChannelDetails(of.group), { status: 404 });
      },
      deleteServer: async () => {
        await messaging.deleteServer(of.server);
        assert.ok(!(await messaging.listServers()).servers.some(s => s.id === of.server));
      },
    },
    memory: {
      createRoom: async () => { of.room = (await memory.createRoom(of.agent, { name: 'Client Room', type: 'GROUP' })).id; },
      listAgentRooms: async () => assert.ok((await memory.listAgentRooms(of.agent)).rooms.some(r => r.id === of.room)),
      getRoom: async () => assert.equal((await memory.getRoom(of.agent, of.room)).name, 'Client Room'),
      createWorldFromServer: async () => {
        await memory.createWorldFromServer(home, { agentIds: [of.agent], worldId: place, source: 'client', name: 'native' });
        await memory.createWorldFromServer(home, { serverId: home, name: 'typed' });
      },
      getAgentMemories: async () => {
        await say('Remember this.');
        of.memories = await until('memories', async () => {
          const { memories } = await memory.getAgentMemories(of.agent, { limit: 50 });
          return memories.length > 3 && memories;
        });
        of.agentRoom = of.memories[0].roomId;
      },
      getRoomMemories: async () => assert.ok((await memory.getRoomMemories(of.agent, of.agentRoom, { limit: 5 })).memories.length > 0),
      getAgentInternalMemories: async () => assert.ok((await memory.getAgentInternalMemories(of.agent, of.agentRoom, false)).memories.length > 0),
      updateMemory: () => memory.updateMemory(of.agent, of.memories[0].id, { content: { text: 'Changed.' } }),
      updateAgentInternalMemory: () => memory.updateAgentInternalMemory(of.agent, of.memories[0].id, { content: { text: 'Changed again.' } }),
      deleteMemory: () => memory.deleteMemory(of.agent, of.memories[0].id),
      deleteAgentInternalMemory: () => memory.deleteAgentInternalMemory(of.agent, of.memories[1].id),
      deleteAllAgentInternalMemories: () => memory.deleteAllAgentInternalMemories(of.agent, of.agentRoom),
      clearRoomMemories: async () => {
        await memory.clearRoomMemories(of.agent, of.agentRoom);
        assert.deepEqual((await memory.getRoomMemories(of.agent, of.agentRoom)).memories, []);
      },
      clearAgentMemories: () => memory.clearAgentMemories(of.agent),
      clearWorldMemories: () => memory.clearWorldMemories(place),
      deleteWorld: () => memory.deleteWorld(place),
      deleteGroupMemory: () => memory.deleteGroupMemory(of.channel, place),
      clearGroupChat: () => memory.clearGroupChat(of.channel),
    },
    media: {
      uploadAgentMedia: async () => shown(await media.uploadAgentMedia(of.agent, { file: pixel, filename: 'me.png', contentType: 'image/png', metadata: { a: 1 } }), 'image'),
      uploadChannelMedia: async () => shown(await media.uploadChannelMedia(of.channel, new File([pixel], 'me.png', { type: 'image/png' })), 'image/png'),
    },
    server: {
      checkHealth: async () => assert.equal((await server.checkHealth()).status, 'OK'),
      ping: async () => assert.equal((await server.ping()).pong, true),
      hello: async () => assert.equal((await server.hello()).message, 'Hello World!'),
      getStatus: async () => assert.equal((await server.getStatus()).status, 'ok'),
      getDebugInfo: async () => assert.ok((await server.getDebugInfo()).servers.length > 0),
      submitLogs: () => server.submitLogs([{ level: 'info', message: 'x' }]),
      clearLogs: () => server.clearLogs(),
      stopServer: () => server.stopServer(),
    },
  };
  Object.assign(cases, today ? { sessions: sessionCases(sessions, of), runs: runCases(runs, of), jobs: jobCases(jobs, of) } : {});
  return { cases, of, today };
}

const sessionCases = (sessions, of) => ({
  checkHealth: async () => assert.equal((await sessions.checkHealth()).status, 'healthy'),
  createSession: async () => {
    const made = await sessions.createSession({ agentId: of.agent, userId: ann, metadata: { platform: 'test' }, timeoutConfig: { timeoutMinutes: 10 } });
    assert.deepEqual([made.agentId, made.metadata.platform, made.timeoutConfig.timeoutMinutes], [of.agent, 'test', 10]);
    of.session = made.sessionId;
  },
  getSession: async () => assert.equal((await sessions.getSession(of.session)).userId, ann),
  sendMessage: async () => {
    const sent = await sessions.sendMessage(of.session, { content: 'I feel at home here.' });
    assert.equal(sent.userMessage.content, 'I feel at home here.');
    await until('an answer in the session', async () => (await sessions.getMessages(of.session)).messages.some(m => m.isAgent));
  },
  sendMessageSync: async () => {
    const sent = await sessions.sendMessageSync(of.session, { content: 'And you?' });
    assert.ok(sent.agentResponse.text && sent.sessionStatus.renewalCount >= 2, JSON.stringify(sent));
    of.sessionReply = sent.agentResponse.responseId;
  },
  getMessages: async () => {
    const { messages, hasMore, cursors } = await sessions.getMessages(of.session, { limit: 1 });
    assert.ok(messages[0].isAgent && hasMore, JSON.stringify(messages));
    assert.equal((await sessions.getMessages(of.session, { before: cursors.before, limit: 1 })).messages[0].content, 'And you?');
  },
  listSessions: async () => assert.ok((await sessions.listSessions()).sessions.some(s => s.sessionId === of.session)),
  deleteSession: async () => {
    await sessions.deleteSession(of.session);
    await assert.rejects(sessions.getSession(of.session), { status: 404, code: 'SESSION_NOT_FOUND' });
  },
});

const runCases = (runs, of) => ({
  listRuns: async () => {
    const { runs: all, total } = await runs.listRuns(of.agent, { limit: 5 });
    assert.ok(all.length > 0 && total >= all.length, JSON.stringify(all));
    of.run = all.find(r => r.status === 'completed').runId;
  },
  getRun: async () => {
    const { summary, events } = await runs.getRun(of.agent, of.run);
    assert.equal(summary.status, 'completed');
    assert.deepEqual([events[0].type, events.at(-1).type], ['RUN_STARTED', 'RUN_ENDED']);
  },
});

const jobCases = (jobs, of) => {
  const asked = content => ({ userId: ann, agentId: of.agent, content, timeoutMs: 60_000 }), often = { interval: 200, maxAttempts: 300 };
  return {
    create: async () => { of.job = (await jobs.create({ ...asked('I feel at home here.'), metadata: { k: 1 } })).jobId; },
    poll: async () => {
      const { success, job } = await jobs.poll(of.job, often);
      assert.ok(success && job.result.message.content, JSON.stringify(job));
      of.answer = job.result.message.content;
    },
    getJob: async () => assert.equal((await jobs.getJob(of.job)).result.message.content, of.answer),
    list: async () => assert.ok((await jobs.list({ status: 'completed', limit: 10 })).jobs.some(j => j.jobId === of.job)),
    health: async () => assert.ok((await jobs.health()).statusCounts.completed >= 1),
    createAndPoll: async () => assert.ok((await jobs.createAndPoll(asked('Do you?'), often)).success),
    createAndPollWithBackoff: async () => assert.ok((await jobs.createAndPollWithBackoff(asked('Do you?'), { initialInterval: 100 })).success),
    ask: async () => assert.ok(await jobs.ask(ann, 'Do you?', of.agent, often)),
  };
};

// madeBefore reads back what was made before the server was killed.
async function madeBefore({ of, today }, client) {
  const { agents, messaging, media, memory, sessions, runs, jobs } = client;
  assert.equal((await agents.getAgent(of.agent)).system, 'Be brief.');
  assert.equal((await messaging.getMessage(of.message)).content, 'I feel well here.');
  assert.equal((await messaging.getChannelDetails(of.group)).name, 'Renamed');
  assert.deepEqual(await messaging.getChannelParticipants(of.group), [ann, of.other]);
  assert.deepEqual((await messaging.getServerChannels(of.server)).channels.map(c => c.name).filter(n => !n.startsWith('By')).sort(), ['general', 'random']);
  assert.ok((await agents.getWorlds()).worlds.some(w => w.id === of.world));
  assert.equal((await memory.getRoom(of.agent, of.room)).name, 'Client Room');
  for (const [uploaded, type] of of.uploads) await shows(of.base, uploaded, type);
  if (!today) return;
  assert.equal((await sessions.getSession(of.session)).timeoutConfig.timeoutMinutes, 10);
  assert.ok((await sessions.getMessages(of.session)).messages.some(m => m.id === of.sessionReply));
  assert.equal((await jobs.getJob(of.job)).result.message.content, of.answer);
  assert.equal((await runs.getRun(of.agent, of.run)).summary.status, 'completed');
}

async function shows(base, uploaded, type) {
  assert.equal(uploaded.type, type);
  const picture = await fetch(base + uploaded.url);       // as a browser does: without the key
  assert.equal(picture.headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await picture.arrayBuffer()), Buffer.from(await pixel.arrayBuffer()));
}

// What the later calls stand on comes first. What takes it away comes after the server was killed.
const making = [
  ['server', 'checkHealth ping hello getStatus getDebugInfo submitLogs'], ['agents', 'createAgent listAgents getAgent updateAgent startAgent getAgentPanels'],
  ['messaging', 'createServer listServers getCurrentMessageServer syncServerChannels getServerChannels createChannel createGroupChannel getOrCreateDmChannel'],
  ['messaging', 'getChannelDetails getChannelParticipants addAgentToChannel removeAgentFromChannel addUserToChannel addUsersToChannel'],
  ['messaging', 'removeUserFromChannel updateChannel'], ['agents', 'addAgentToServer getAgentsForServer getServersForAgent removeAgentFromServer'],
  ['messaging', 'postMessage getChannelMessages getMessage updateMessage searchMessages submitMessage completeMessage ingestExternalMessages generateChannelTitle'],
  ['sessions', 'checkHealth createSession getSession sendMessage sendMessageSync getMessages listSessions'],
  ['jobs', 'create poll getJob list health createAndPoll createAndPollWithBackoff ask'], ['runs', 'listRuns getRun'],
  ['agents', 'getWorlds addAgentToWorld updateAgentWorldSettings getAgentLogs deleteAgentLog'], ['media', 'uploadAgentMedia uploadChannelMedia'],
  ['memory', 'createRoom listAgentRooms getRoom'], ['system', 'buildUrl getHeaders getEnvironment updateLocalEnvironment getGlobalLogs'],
];
const taking = [
  ['memory', 'createWorldFromServer getAgentMemories getRoomMemories getAgentInternalMemories updateMemory updateAgentInternalMemory deleteMemory'],
  ['memory', 'deleteAgentInternalMemory deleteAllAgentInternalMemories clearRoomMemories clearAgentMemories clearWorldMemories deleteWorld deleteGroupMemory clearGroupChat'],
  ['system', 'deleteLog deleteGlobalLogs'], ['sessions', 'deleteSession'],
  ['messaging', 'deleteMessage clearChannelHistory deleteChannel deleteServer'], ['server', 'clearLogs'], ['agents', 'stopAgent deleteAgent'],
];

let good = 0, bad = 0;
const failed = (what, error) => {
  bad++;
  console.log(`FAIL ${what}: ${error.code ?? ''} ${error.status ?? ''} ${error.message}`.split('\n').slice(0, 6).join('\n'));
};
async function call(version, order) {
  const { cases, today } = version.its;
  for (const [service, names] of order) {
    for (const name of names.split(' ')) {
      if (!cases[service]?.[name]) continue; // the client of 1.2.0 has none
      version.called.add(`${service}.${today && renamed[name] || name}`);
      await Promise.resolve().then(cases[service][name]).then(() => { good++; }, error => failed(`${version.folder} ${service}.${name}`, error));
    }
  }
}

// connect makes a client that answers to the names of 1.2.0, too.
async function connect(folder, base) {
  const { ElizaClient } = await import(pathToFileURL(join(folder, 'dist', 'index.js')));
  const client = ElizaClient.create({ baseUrl: base, apiKey, timeout: 70_000 });
  for (const service of Object.values(client)) {
    for (const [before, now] of Object.entries(renamed)) if (service[now]) service[before] = service[now].bind(service);
  }
  return client;
}

let server = await serve();
const versions = [];
for (const folder of folders.split(',')) {
  const client = await connect(folder, server.base), version = { folder, called: new Set(), its: casesOf(client, server.base) };
  versions.push(version);
  await call(version, making);
}
await server.kill();
server = await serve();
for (const version of versions) {
  const client = await connect(version.folder, server.base), made = { ...version.its.of, base: server.base };
  version.its = casesOf(client, server.base);
  Object.assign(version.its.of, made);
  await madeBefore(version.its, client).catch(error => failed(`${version.folder}: what was made before the server was killed`, error));
  await call(version, taking);
  if (version === versions.at(-1)) await call(version, [['server', 'stopServer']]);
  else version.called.add('server.stopServer');
  for (const [service, its] of Object.entries(client)) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(its))) {
      if (name === 'constructor' || service === 'audio' || version.called.has(`${service}.${name}`)) continue;
      failed(`${version.folder} ${service}.${name}`, new Error('is not called here'));
    }
  }
}
await server.stopped;
fs.rmSync(work, { recursive: true, force: true });
console.log(`${good} of ${good + bad} calls succeed`);
process.exit(bad ? 1 : 0);
