// Persistent subscriptions, to a stream and to $all.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { collect, es, events, refused, take, waitFor } from './common.mjs'

export async function groups (client, append, fresh, ofAll, secured) {
  const s = fresh(); const g = `group/${randomUUID()}`
  const of = ofAll ? [g] : [s, g]
  const call = (verb, what, ...more) => client[`${verb}PersistentSubscriptionTo${ofAll ? 'All' : 'Stream'}${what}`](...of, ...more)
  const replay = (o) => client[`replayParkedMessagesTo${ofAll ? 'All' : 'Stream'}`](...of, o)
  const settings = (o) => es[`persistentSubscriptionTo${ofAll ? 'All' : 'Stream'}SettingsFromDefaults`](o)
  const filter = { filter: es.streamNameFilter({ prefixes: [s] }) }
  const begun = settings({ startFrom: 'start', extraStatistics: true, checkPointLowerBound: 1, checkPointUpperBound: 1, maxSubscriberCount: 1, maxRetryCount: 2 })
  const missing = ['PersistentSubscriptionDoesNotExistError', { groupName: g, streamName: ofAll ? '$all' : s }]
  await refused(call('get', 'Info'), ...missing)
  await refused(call('delete', ''), ...missing)
  await refused(call('update', '', begun), ...missing)
  await refused(take(call('subscribeTo', ''), 1), ...missing)
  await refused(call('create', '', settings({ readBatchSize: 500, historyBufferSize: 500 })), 'PersistentSubscriptionFailedError')
  await call('create', '', begun, ...(ofAll ? [filter] : []))
  await refused(call('create', '', begun), 'PersistentSubscriptionExistsError', { groupName: g })
  await append(s, events(6))

  // ack, retry, skip, park; stop answers nothing. Every event comes once, but what is retried.
  const subscription = call('subscribeTo', '', { bufferSize: 10 })
  const deliveries = []
  let stopped
  subscription.on('error', (e) => deliveries.push(e)).on('data', async (e) => {
    const n = Number(e.event.revision)
    deliveries.push(`${n} try ${e.retryCount}`)
    if (n === 0) await subscription.ack(e)
    else if (n === 1 && e.retryCount < 1) await subscription.nack('retry', 'again', e)
    else if (n === 1) await subscription.ack(e)
    else if (n === 2) await subscription.nack('skip', 'not wanted', e)
    else if (n === 3) await subscription.nack('park', 'later', e)
    else if (n === 4) await subscription.nack('retry', 'always', e)
    else stopped = e
  })
  const info = () => call('get', 'Info')
  await waitFor('one was parked, one retried until it was too often', async () => (await info()).stats.parkedMessageCount === 2n && stopped)
  assert.deepEqual([...deliveries].sort(), ['0 try 0', '1 try 0', '1 try 1', '2 try 0', '3 try 0', '4 try 0', '4 try 1', '4 try 2', '5 try 0'])
  await subscription.nack('stop', 'nothing', stopped)
  const told = await info()
  assert.deepEqual(told.settings, begun)
  assert.deepEqual([told.eventSource, told.groupName, told.connections.length], [ofAll ? '$all' : s, g, 1])
  assert.equal(told.connections[0].connectionName, client.connectionName)
  if (secured) assert.equal(told.connections[0].username, 'admin')
  assert.ok(told.connections[0].extraStatistics.has('quintile 3'))
  assert.equal(typeof told.stats[ofAll ? 'lastCheckpointedEventPosition' : 'lastCheckpointedEventRevision'], ofAll ? 'object' : 'bigint')
  await refused(take(call('subscribeTo', ''), 1), 'PersistentSubscriptionMaximumSubscribersReachedError', { groupName: g })
  await subscription.ack(stopped)

  await replay()
  await waitFor('the parked came again', () => deliveries.filter((d) => d === '3 try 0').length === 2)
  await waitFor('and are parked again', async () => (await info()).stats.parkedMessageCount === 2n)
  const lists = [await client.listAllPersistentSubscriptions(), await (ofAll ? client.listPersistentSubscriptionsToAll() : client.listPersistentSubscriptionsToStream(s))]
  for (const list of lists) assert.ok(list.some((i) => i.groupName === g))
  if (!ofAll) await refused(client.listPersistentSubscriptionsToStream(fresh()), 'PersistentSubscriptionDoesNotExistError')

  const changed = settings({ ...begun, maxRetryCount: 7, consumerStrategyName: 'Pinned', maxSubscriberCount: 'unbounded' })
  await call('update', '', changed)
  await waitFor('it is dropped', () => deliveries.some((d) => d.constructor.name === 'PersistentSubscriptionDroppedError'))
  assert.deepEqual((await info()).settings, changed)
  await append(s, events(1))
  const again = call('subscribeTo', '')
  const [next] = await new Promise((resolve, reject) => again.on('error', reject).on('data', async (e) => resolve([e, await again.ack(e)])))
  assert.equal(next.event.revision, 6n, 'it goes on from its checkpoint')
  again.removeAllListeners('error')
  const dropped = new Promise((resolve) => again.on('error', resolve))
  await client.restartPersistentSubscriptionSubsystem()
  assert.equal((await dropped).constructor.name, 'PersistentSubscriptionDroppedError')
  await call('delete', '')
  await refused(info(), ...missing)
  if (ofAll) {
    const { position } = (await collect(client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 1 })))[0].event
    const beyond = { commit: position.commit + 1000n, prepare: position.prepare + 1000n }
    await refused(call('create', '', settings({ startFrom: beyond })), 'PersistentSubscriptionFailedError')
  }
}
