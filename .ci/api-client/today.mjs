import assert from 'node:assert/strict';
import { ann, home, until } from './hand.mjs';

// What the client of 1.7.2 has besides: sessions, runs and jobs.
export const sessionCases = (sessions, of) => ({
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

export const runCases = (runs, of) => ({
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

export const jobCases = (jobs, of) => {
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
