// The client that is told, and what its tests share.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const [modules, pkg, ...urls] = process.argv.slice(2)
export const name = pkg
export const [plain, secure, ca] = urls
export const es = createRequire(path.resolve(modules, 'x.js'))(name)
export const is = es.EventStoreDBClient
  ? { client: es.EventStoreDBClient, expecting: 'expectedRevision', expected: 'expectedVersion', actual: 'actualVersion' }
  : { client: es.KurrentDBClient, expecting: 'streamState', expected: 'expectedState', actual: 'actualState' }
const patience = 20_000

export const collect = async (stream) => {
  const all = []
  for await (const e of stream) all.push(e)
  return all
}
export const refused = (what, type, fields = {}) =>
  assert.rejects(what, (e) => {
    assert.equal(e.constructor.name, type, `${e.constructor.name}: ${e.message}`)
    for (const [k, v] of Object.entries(fields)) assert.deepEqual(e[k], v, k)
    return true
  })
export const events = (n, type = 'T') => Array.from({ length: n }, (_, i) => es.jsonEvent({ type, data: { n: i }, metadata: { by: 'test' } }))
export const numbers = (all) => all.map(({ event }) => Number(event.revision))
export const waitFor = async (what, condition) => {
  for (const end = Date.now() + patience; Date.now() < end; await pause(20)) {
    const found = await condition()
    if (found) return found
  }
  assert.fail('never: ' + what)
}

// take reads n events of a subscription and leaves it; told are the other things that it said.
export function take (subscription, n) {
  const got = []; const told = []
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${got.length} of ${n} events came`)), patience)
    const end = async () => {
      clearTimeout(timer)
      await subscription.unsubscribe()
      resolve(Object.assign(got, { told }))
    }
    for (const word of ['confirmation', 'caughtUp']) {
      subscription.on(word, () => {
        told.push(word)
        if (n === 0 && word === 'caughtUp') end()
      })
    }
    subscription.on('error', (e) => { clearTimeout(timer); reject(e) }).on('data', (e) => {
      got.push(e)
      if (got.length === n) end()
    })
  })
}
