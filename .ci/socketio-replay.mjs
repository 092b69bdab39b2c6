// Plays what the clients of a recorded server, of ElizaOS 1.2.0 or 1.7.2, did over Socket.IO and REST, with the real socket.io-client, and prints
// every event that does not come as it was recorded: to that client, in that order, with every recorded key of that type,
// and with what a client had sent before as it was sent. More keys are fine; more events are not, but for those that are
// named below.
//
//   node socketio-replay.mjs <base URL> <socketio.jsonl> <list of what may fail> <folder with node_modules>
//
// An entry is named by its session and its number in it. Sessions whose name holds settings are of servers with those, and left out. An
// answer comes in as many chunks as the model makes of it: of those that were recorded, the first has to come.
import fs from 'node:fs'
import { createRequire } from 'node:module'

const [base, recording, pendingList, modules] = process.argv.slice(2)
const { io } = createRequire(modules + '/')('socket.io-client')
const patience = 10_000

// Events that the recorded server did not send: it drops silently what it cannot make sense of, and leaves clients waiting
// where no agent is there to answer. It does not show answers while they come into being, either. What is said in a session, and the
// answers to it over http, it does not broadcast.
const wanted = (session, event) => ['messageComplete', 'messageStreamChunk', 'messageStreamError', 'log_stream'].includes(event) ||
  (event === 'messageError' && ['malformed', 'crash-on-null-direct-event'].includes(session)) ||
  (event === 'messageBroadcast' && session === 'session-channel')

const pending = new Set()
for (const line of fs.readFileSync(pendingList, 'utf8').split('\n')) {
  const [, session, from, to = from] = /^([a-z0-9.-]+):(\d+)(?:-(\d+))?/.exec(line) ?? []
  for (let n = Number(from); n <= Number(to); n++) pending.add(`${session}:${n}`)
}

// What the recording calls a thing, and what it is called here.
const names = new Map()
const sent = new Set()
const translate = text => [...names].reduce((t, [was, is]) => t.replaceAll(was, is), text)
const here = value => JSON.parse(translate(JSON.stringify(value)))
const remember = value => JSON.stringify(value, (_, v) => { if (typeof v === 'string') sent.add(v); return v })
const kind = value => value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function lacks (was, is, at = '') {
  if (kind(was) !== kind(is) && !/\.payload\.level$/.test(at)) return [`${at}: ${kind(was)} was recorded, ${kind(is)} came`]
  if (Array.isArray(was)) return was.length ? (is.length ? lacks(was[0], is[0], at + '[0]') : [`${at}: empty`]) : []
  if (kind(was) === 'object') return Object.keys(was).filter(k => was[k] !== null).flatMap(k => k in is ? lacks(was[k], is[k], `${at}.${k}`) : [`${at}.${k}: missing`])
  if (typeof was === 'boolean' && was !== is) return [`${at}: ${was} was recorded, ${is} came`]
  if (typeof was === 'string' && (sent.has(was) || /\.(error|status)$/.test(at)) && translate(was) !== is) return [`${at}: ${translate(was)} was recorded, ${is} came`]
  return []
}

function learn (was, is) {
  if (kind(was) !== kind(is)) return
  if (Array.isArray(was)) was.forEach((w, i) => i < is.length && learn(w, is[i]))
  else if (kind(was) === 'object') for (const k in was) { if (k in is) learn(was[k], is[k]) }
  else if (typeof was === 'string' && was !== is && id.test(was) && !sent.has(was)) names.set(was, is)
}

async function call (method, path, body) {
  const answer = await fetch(base + translate(path), {
    method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(here(body)),
  })
  const text = await answer.text()
  return { status: answer.status, response: text ? JSON.parse(text) : null }
}

const clients = {}
const connecting = {} // how each client connects, and what it says of itself
function connect (name, transport) {
  const client = { heard: [], at: 0, socket: io(base, { transports: [transport], ...connecting[name], reconnection: false, forceNew: true }) }
  client.socket.onAny((event, ...args) => client.heard.push({ event, args }))
  clients[name] = client
}

async function until (condition) {
  for (const end = Date.now() + patience; Date.now() < end;) {
    const found = condition()
    if (found) return found
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

// quiet waits until no client has heard anything for a while: what a session caused is not of the next one.
async function quiet () {
  const heard = () => Object.values(clients).reduce((n, client) => n + client.heard.length, 0)
  for (let before = -1, end = Date.now() + patience; before !== heard() && Date.now() < end;) {
    before = heard()
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

let held = 0
let failed = 0
const fail = (name, why) => { failed++; console.log(`FAIL ${name}: ${why}`) }

// http makes a request of the recording, which notes it when its answer came: behind what it caused.
async function http (entry) {
  entry.done = true
  remember(entry.body ?? null)
  const { status, response } = await call(entry.method, entry.path, entry.body)
  learn(entry.response, response)
  const wrong = status === entry.status ? lacks(entry.response, response) : [`status ${status}`]
  if (pending.has(entry.name)) return
  if (wrong.length) fail(entry.name, `${entry.method} ${entry.path} ${wrong.slice(0, 4).join('; ')}`)
  else held++
}

async function expect (entry, rest) {
  if (!clients[entry.client] && ['authenticated', 'connection_established'].includes(entry.event)) connect(entry.client, 'websocket')
  const client = clients[entry.client]
  const next = () => client.heard.findIndex((h, i) => i >= client.at && h.event === entry.event)
  if (next() < 0) {
    // What the next request of the recording causes has not happened yet; and it leaves some joins out.
    await new Promise(resolve => setTimeout(resolve, 300))
    for (const end = Date.now() + 700; next() < 0 && Date.now() < end;) await new Promise(resolve => setTimeout(resolve, 20))
    const later = rest.find(e => e.dir === 'client->server' || (e.dir === 'http' && !e.done))
    if (next() < 0 && entry.event === 'channel_joined') client.socket.emit('1', here({ channelId: entry.args[0].channelId }))
    else if (next() < 0 && later?.dir === 'http') await http(later)
  }
  if (!await until(() => next() >= 0)) return fail(entry.name, `${entry.event} did not come to ${entry.client}`)
  const found = client.heard[next()]
  client.heard.slice(client.at, next()).forEach(h => { h.extra = true })
  client.at = next() + 1
  learn(entry.args, found.args)
  const wrong = lacks(entry.args, found.args)
  if (wrong.length) fail(entry.name, `${entry.event} to ${entry.client} ${wrong.slice(0, 4).join('; ')}`)
  else held++
}

async function play (entry, rest) {
  if (entry.event === 'messageStreamChunk' && entry.args[0].index > 0) return
  if (entry.dir === 'lifecycle' && entry.event === 'connecting') {
    connecting[entry.client] = { auth: entry.auth, transports: entry.transports }
    remember(entry.auth)
  } else if (entry.dir === 'lifecycle' && entry.event === 'connect') {
    connect(entry.client, entry.transport)
    names.set(entry.id, await until(() => clients[entry.client].socket.id) ?? fail(entry.name, 'not connected'))
  } else if (entry.dir === 'lifecycle' && entry.reason === 'io client disconnect') clients[entry.client]?.socket.disconnect()
  else if (entry.dir === 'client->server') {
    remember(entry.args)
    clients[entry.client].socket.emit(entry.event, ...here(entry.args))
  } else if (entry.dir === 'http' && !entry.done) await http(entry)
  else if (entry.dir === 'server->client' && !pending.has(entry.name)) await expect(entry, rest)
}

for (const name of ['Golden Agent', 'Second Agent']) {
  const made = await call('POST', '/api/agents', { characterJson: { name, bio: ['A reference agent'] } })
  await call('POST', `/api/agents/${made.response.data.id}/start`, {})
}
const sessions = new Map()
for (const line of fs.readFileSync(recording, 'utf8').trim().split('\n')) {
  const entry = JSON.parse(line)
  sessions.set(entry.session, [...sessions.get(entry.session) ?? [], entry])
}
for (const [session, entries] of sessions) {
  if (session.includes('=')) continue
  entries.forEach((entry, i) => { entry.name = `${session}:${i + 1}` })
  for (const [i, entry] of entries.entries()) await play(entry, entries.slice(i + 1))
  await quiet()
  for (const [name, client] of Object.entries(clients)) {
    const more = client.heard.filter((h, i) => h.extra || i >= client.at).filter(h => !wanted(session, h.event))
    client.at = client.heard.length
    client.heard.forEach(h => { h.extra = false })
    if (more.length && ![...pending].some(p => p.startsWith(session + ':'))) fail(session, `${name} also heard ${more.map(h => JSON.stringify(h).slice(0, 300)).join(', ')}`)
  }
  if (session === 'crash-on-null-direct-event') { // where the recorded process ended; those after it are of another run
    if (!clients.A.heard.some(h => h.event === 'messageError')) fail(session, 'nobody was told')
    for (const name in clients) { clients[name].socket.disconnect(); delete clients[name] }
  }
}
for (const client of Object.values(clients)) client.socket.disconnect()
console.log(`${held} held, ${failed} failed`)
process.exit(failed ? 1 : 0)
