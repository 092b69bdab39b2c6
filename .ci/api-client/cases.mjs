import assert from 'node:assert/strict';
import { ann, home, pixel, shows, until } from './hand.mjs';
import { messagingCases } from './messaging.mjs';
import { jobCases, runCases, sessionCases } from './today.mjs';

// casesOf is how each method is called, and what is made on the way.
export function casesOf(client, base, apiKey) {
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
    messaging: messagingCases(client, of, today, say),
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

// madeBefore reads back what was made before the server was killed.
export async function madeBefore({ of, today }, client) {
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
