// A node judged by an official Node.js client: every operation that it has, against a node without TLS and one with it.
//
//   node client.mjs <folder with node_modules> <package> <esdb://host:port> <esdb://host:port with TLS> <CA file>
//
// Both clients are told the same, each in a process of its own: they share the names of their messages.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ca, collect, es, events, is, name, numbers, plain, refused, secure, take, waitFor } from './common.mjs'
import { groups } from './groups.mjs'

const admin = secure.replace('//', '//admin:changeit@')

for (const [kind, url] of [['plain', plain + '?tls=false'], ['secure', `${admin}?tlsCAFile=${ca}`]]) {
  test(`${name}, ${kind}`, { timeout: 120_000 }, (t) => operations(t, url, kind === 'secure'))
}
test(`${name}, passwords`, { timeout: 60_000 }, passwords)
test(`${name}, discovery`, { timeout: 60_000 }, discovery)

async function operations (t, url, secured) {
  const client = is.client.connectionString(url)
  const credentials = { username: 'admin', password: 'changeit' }
  // With credentials of its own a call appends plainly, without in batches.
  const append = (s, what, expect = 'any', own = false) => client.appendToStream(s, what, { [is.expecting]: expect, ...(own && { credentials }) })
  const fresh = () => `s-${randomUUID()}`
  t.after(() => client.dispose())

  for (const own of [false, true]) {
    await t.test(own ? 'append' : 'batch append', async () => {
      const s = fresh()
      await refused(append(s, events(1), 'stream_exists', own), 'WrongExpectedVersionError', { [is.actual]: 'no_stream', [is.expected]: 'stream_exists' })
      const first = events(2)
      const written = await append(s, first, 'no_stream', own)
      assert.equal(written.success, true)
      assert.equal(written.nextExpectedRevision, 1n)
      assert.ok(written.position.commit > 0n && written.position.commit === written.position.prepare)
      for (const expect of ['no_stream', 'any', 'stream_exists']) assert.deepEqual(await append(s, first, expect, own), written, 'the same again')
      await refused(append(s, events(1), 'no_stream', own), 'WrongExpectedVersionError', { streamName: s, [is.actual]: 1n, [is.expected]: 'no_stream' })
      await refused(append(s, events(1), 7n, own), 'WrongExpectedVersionError', { [is.actual]: 1n, [is.expected]: 7n })
      assert.equal((await append(s, events(1), 1n, own)).nextExpectedRevision, 2n)
      assert.equal((await append(s, [es.binaryEvent({ type: 'B', data: Buffer.from([0, 1, 2]) })], 'stream_exists', own)).nextExpectedRevision, 3n)
      const big = () => es.binaryEvent({ type: 'B', data: Buffer.alloc(600_000) })
      await refused(append(fresh(), [big(), big()], 'any', own), 'MaxAppendSizeExceededError', { maxAppendSize: 1 << 20 })
      await refused(client.appendToStream(fresh(), events(10_000), { deadline: 1, ...(own && { credentials }) }), 'DeadlineExceededError')
      const gone = fresh()
      await client.tombstoneStream(gone)
      await refused(append(gone, events(1), 'any', own), 'StreamDeletedError', { streamName: gone })
      const soft = is.client.connectionString(url + '&throwOnAppendFailure=false')
      t.after(() => soft.dispose())
      assert.equal((await soft.appendToStream(s, events(1), { [is.expecting]: 99n, ...(own && { credentials }) })).success, false)
    })
  }

  await t.test('many batches at once, in frames', async () => {
    const s = fresh()
    await Promise.all(Array.from({ length: 200 }, () => client.appendToStream(s, events(20), { batchAppendSize: 300 })))
    assert.deepEqual(numbers(await collect(client.readStream(s))), Array.from({ length: 4000 }, (_, i) => i))
  })

  await t.test('read a stream', async () => {
    const s = fresh(); const sent = [...events(4), es.binaryEvent({ type: 'B', data: Buffer.from('bytes'), metadata: Buffer.from([7]) })]
    const { position } = await append(s, sent)
    const read = async (o) => numbers(await collect(client.readStream(s, o)))
    const all = await collect(client.readStream(s))
    assert.deepEqual(all.map(({ event }) => event.id), sent.map((e) => e.id))
    assert.deepEqual(all[1].event.data, { n: 1 })
    assert.deepEqual(all[1].event.metadata, { by: 'test' })
    assert.equal(all[1].event.isJson, true)
    assert.equal(all[4].event.isJson, false)
    assert.equal(Buffer.from(all[4].event.data).toString(), 'bytes')
    assert.equal(all[4].event.position.commit, position.commit)
    assert.ok(Math.abs(Date.now() - Number(all[0].event.created)) < 60_000, `dated ${all[0].event.created}`)
    assert.deepEqual(await read({ maxCount: 2 }), [0, 1])
    assert.deepEqual(await read({ fromRevision: 3n }), [3, 4])
    assert.deepEqual(await read({ fromRevision: 9n }), [])
    assert.deepEqual(await read({ direction: 'backwards', fromRevision: 'end', maxCount: 2 }), [4, 3])
    assert.deepEqual(await read({ direction: 'backwards', fromRevision: 1n }), [1, 0])
    await refused(collect(client.readStream(fresh())), 'StreamNotFoundError')
    const odd = `ünïcode ${randomUUID()}/?&`
    await append(odd, events(1))
    assert.equal((await collect(client.readStream(odd)))[0].event.streamId, odd)
  })

  await t.test('read $all', async () => {
    const s = fresh()
    const { position } = await append(s, events(3))
    const all = await collect(client.readAll())
    assert.ok(all.length > 8)
    const last = all.at(-1)
    assert.equal(last.event.position.commit, position.commit)
    assert.deepEqual(numbers(await collect(client.readAll({ fromPosition: position, maxCount: 1 }))), [2])
    assert.deepEqual(numbers(await collect(client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 3 }))), [2, 1, 0])
    assert.deepEqual(numbers(await collect(client.readAll({ direction: 'backwards', fromPosition: position, maxCount: 2 }))), [1, 0])
  })

  await t.test('links', async () => {
    const s = fresh(); const links = fresh()
    await append(s, events(1))
    const link = (to) => es.binaryEvent({ type: '$>', data: Buffer.from(to) })
    await append(links, [link('0@' + s), link('0@' + fresh())])
    const plainly = await collect(client.readStream(links))
    assert.deepEqual(plainly.map(({ event, link }) => [event.type, link]), [['$>', undefined], ['$>', undefined]])
    const [there, gone] = await collect(client.readStream(links, { resolveLinkTos: true }))
    assert.deepEqual([there.event.streamId, there.link.streamId], [s, links])
    assert.deepEqual([gone.event, gone.link.streamId], [undefined, links])
  })

  await t.test('delete and tombstone', async () => {
    const s = fresh()
    await refused(client.deleteStream(s, { expectedRevision: 'no_stream' }), 'WrongExpectedVersionError', { streamName: s })
    await append(s, events(3))
    await refused(client.deleteStream(s, { expectedRevision: 1n }), 'WrongExpectedVersionError', { [is.expected]: 1n, [is.actual]: 2n })
    assert.ok((await client.deleteStream(s, { expectedRevision: 2n })).position.commit > 0n)
    await refused(collect(client.readStream(s)), 'StreamNotFoundError', { streamName: s })
    assert.equal((await append(s, events(2), 'no_stream')).nextExpectedRevision, 4n)
    assert.deepEqual(numbers(await collect(client.readStream(s))), [3, 4])
    assert.equal((await client.getStreamMetadata(s)).metadata.truncateBefore, 3)
    await refused(client.tombstoneStream(s, { expectedRevision: 9n }), 'WrongExpectedVersionError')
    assert.ok((await client.tombstoneStream(s, { expectedRevision: 4n })).position.commit > 0n)
    await refused(collect(client.readStream(s)), 'StreamDeletedError', { streamName: s })
    await refused(client.tombstoneStream(s), 'StreamDeletedError')
  })

  await t.test('stream metadata', async () => {
    const s = fresh()
    assert.equal((await client.getStreamMetadata(s)).metadata, undefined)
    await append(s, events(5))
    const acl = { readRoles: ['$all'], writeRoles: ['$admins', 'me'] }
    const metadata = { maxCount: 2, maxAge: 3600, cacheControl: 9, acl, own: { deep: true } }
    assert.equal((await client.setStreamMetadata(s, metadata, { expectedRevision: 'no_stream' })).nextExpectedRevision, 0n)
    const got = await client.getStreamMetadata(s)
    assert.equal(got.metadata.own.deep, true)
    assert.deepEqual([got.metadata.maxCount, got.metadata.maxAge, got.metadata.cacheControl], [2, 3600, 9])
    assert.deepEqual(numbers(await collect(client.readStream(s))), [3, 4])
    // The newer client takes this under one name and hands it on under the other.
    await refused(client.setStreamMetadata(s, {}, { expectedRevision: 'no_stream', [is.expecting]: 'no_stream' }), 'WrongExpectedVersionError')
    await client.setStreamMetadata(s, { truncateBefore: 4 })
    assert.deepEqual(numbers(await collect(client.readStream(s))), [4])
  })

  await t.test('subscribe to a stream', async () => {
    const s = fresh()
    await append(s, events(3))
    const all = take(client.subscribeToStream(s, { fromRevision: 'start' }), 5)
    const behind = take(client.subscribeToStream(s, { fromRevision: 1n }), 3)
    const live = client.subscribeToStream(s, { fromRevision: 'end' })
    const ofEnd = take(live, 2)
    await waitFor('it is live', () => live.listenerCount('data') > 0 && live.id)
    await append(s, events(2))
    assert.deepEqual(numbers(await all), [0, 1, 2, 3, 4])
    assert.deepEqual((await all).told, ['confirmation', 'caughtUp'])
    assert.deepEqual(numbers(await behind), [2, 3, 4])
    assert.deepEqual(numbers(await ofEnd), [3, 4])
    const missing = client.subscribeToStream(fresh())
    assert.deepEqual((await take(missing, 0)).told, ['confirmation', 'caughtUp'])
    const gone = client.subscribeToStream(s, { fromRevision: 'end' })
    const dropped = new Promise((resolve) => gone.on('error', resolve).on('data', () => {}))
    await waitFor('it is confirmed', () => gone.id)
    await client.tombstoneStream(s)
    assert.equal((await dropped).constructor.name, 'StreamDeletedError')
  })

  await t.test('subscribe to $all, with filters and checkpoints', async () => {
    const mark = randomUUID()
    const { position } = await append(`${mark}-a`, events(40, `${mark}-x`))
    await append(`${mark}-b`, events(40, `${mark}-y`))
    const checkpoints = []
    const checkpointReached = (_, p) => checkpoints.push(p.commit)
    for (const [filter, n] of [
      [es.streamNameFilter({ prefixes: [`${mark}-a`, `${mark}-c`] }), 40],
      [es.streamNameFilter({ regex: `^${mark}-[ab]$` }), 80],
      [es.eventTypeFilter({ prefixes: [`${mark}-`] }), 80],
      [es.eventTypeFilter({ regex: `^${mark}-y$`, maxSearchWindow: 10, checkpointInterval: 2, checkpointReached }), 40]
    ]) {
      const got = await take(client.subscribeToAll({ fromPosition: 'start', filter }), n)
      assert.equal(new Set(got.map(({ event }) => event.id)).size, n)
      assert.equal(got.told[0], 'confirmation')
    }
    assert.ok(checkpoints.length >= 2, 'checkpoints come every twenty events')
    assert.deepEqual(checkpoints, [...checkpoints].sort((a, b) => (a < b ? -1 : 1)))
    assert.equal((await take(client.subscribeToAll({ fromPosition: position, filter: es.excludeSystemEvents() }), 40)).length, 40)
    const live = client.subscribeToAll({ fromPosition: 'end' })
    const one = take(live, 1)
    await waitFor('it is confirmed', () => live.id)
    await append(fresh(), events(1))
    assert.equal((await one).length, 1)
    const idle = []
    const waiting = client.subscribeToAll({ fromPosition: 'end', filter: es.streamNameFilter({ prefixes: [fresh()], checkpointReached: (_, p) => idle.push(p) }) })
    waiting.on('data', () => {})
    await waitFor('it is confirmed', () => waiting.id)
    await append(fresh(), events(1))
    await waitFor('an idle tail is told', () => idle.length > 0)
    await waiting.unsubscribe()
  })

  for (const ofAll of [false, true]) {
    await t.test(`persistent subscriptions to ${ofAll ? '$all' : 'a stream'}`, async () => groups(client, append, fresh, ofAll, secured))
  }

  await t.test('HTTP, and what is left out', async () => {
    assert.equal((await client.HTTPRequest('GET', '/ping', {})).text, 'Ping request successfully handled')
    await assert.rejects(client.HTTPRequest('POST', '/nothing', { transformError: (code) => new Error('status ' + code) }), /status 404/)
    await assert.rejects(client.listProjections())
  })
}

async function passwords (t) {
  const at = (credentials) => is.client.connectionString(`${secure.replace('//', '//' + credentials)}?tlsCAFile=${ca}`)
  const wrong = { username: 'admin', password: 'wrong' }
  for (const client of [at('admin:wrong@'), at('nobody:nothing@'), at('')]) {
    t.after(() => client.dispose())
    await refused(client.appendToStream('s', events(1)), 'AccessDeniedError')
    await refused(collect(client.readStream('$users')), 'AccessDeniedError')
    assert.ok((await collect(client.readStream('$users', { credentials: { username: 'ops', password: 'changeit' } }))).length > 0)
  }
  const good = at('admin:changeit@')
  t.after(() => good.dispose())
  await refused(collect(good.readAll({ credentials: wrong, maxCount: 1 })), 'AccessDeniedError')
  await refused(good.appendToStream('s', events(1), { credentials: wrong }), 'AccessDeniedError')
  await refused(good.getPersistentSubscriptionToStreamInfo('s', 'g', { credentials: wrong }), 'AccessDeniedError')
  assert.ok((await collect(good.readAll({ maxCount: 1 }))).length === 1)
}

async function discovery (t) {
  const host = (url) => url.replace(/^.*\/\//, '')
  for (const url of [
    `esdb+discover://${host(plain)}?tls=false&nodePreference=leader`,
    `esdb://127.0.0.1:1,${host(plain)}?tls=false`,
    `esdb+discover://${host(admin)}?tlsCAFile=${ca}`,
    `esdb+discover://${host(admin).replace('127.0.0.1', 'localhost')}?tlsCAFile=${ca}`
  ]) {
    const client = is.client.connectionString(url)
    t.after(() => client.dispose())
    const s = `s-${randomUUID()}`
    assert.equal((await client.appendToStream(s, events(2))).nextExpectedRevision, 1n, url)
    assert.deepEqual(numbers(await collect(client.readStream(s))), [0, 1])
  }
}
