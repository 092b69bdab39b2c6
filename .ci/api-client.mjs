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
import { casesOf, madeBefore } from './api-client/cases.mjs';
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
try {
  const versions = [];
  for (const folder of folders.split(',')) {
    const client = await connect(folder, server.base), version = { folder, called: new Set(), its: casesOf(client, server.base, apiKey) };
    versions.push(version);
    await call(version, making);
  }
  await server.kill();
  server = await serve();
  for (const version of versions) {
    const client = await connect(version.folder, server.base), made = { ...version.its.of, base: server.base };
    version.its = casesOf(client, server.base, apiKey);
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
} finally { // also of a test that breaks off: nothing is left running
  await server.end();
  fs.rmSync(work, { recursive: true, force: true });
}
console.log(`${good} of ${good + bad} calls succeed`);
process.exit(bad ? 1 : 0);
