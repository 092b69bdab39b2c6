import assert from 'node:assert/strict';
import { ann, bob, home, until } from './hand.mjs';

// messagingCases is how each method for servers, channels and messages is called.
export const messagingCases = ({ messaging }, of, today, say) => ({
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
    of.channel = (await (today // its createChannel sends no participants
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
});
