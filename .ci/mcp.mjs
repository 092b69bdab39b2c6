// The published clients of the Model Context Protocol, of both generations, use a running server over HTTP and over stdio.
// node .ci/mcp.mjs BASE BINARY DATA_DIR NODE_MODULES [KEY]
import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const [base, binary, dataDir, modules, key = ''] = process.argv.slice(2)
const load = (path) => import(pathToFileURL(join(modules, '@modelcontextprotocol', path)))
const [v1, v1http, v1stdio, v2, v2stdio] = await Promise.all([
  load('sdk/dist/esm/client/index.js'), load('sdk/dist/esm/client/streamableHttp.js'), load('sdk/dist/esm/client/stdio.js'),
  load('client/dist/index.mjs'), load('client/dist/stdio.mjs'),
])

const headers = key ? { 'X-API-KEY': key } : {}
const api = async (method, path, body) => {
  const answer = await fetch(base + path, {
    method, headers: { ...headers, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
  })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return (await answer.json()).data
}
const agent = (await api('POST', '/api/agents', { characterJson: { name: 'Audited', bio: ['Listens.'] } })).id
await api('POST', `/api/agents/${agent}/start`, {})
await api('POST', `/api/memory/${agent}/memories`, { content: { text: 'The spare key hangs behind the clock.' }, tableName: 'facts', roomId: agent })

const info = { name: 'ci', version: '1' }
const http = (of) => new of.StreamableHTTPClientTransport(new URL('/mcp', base), { requestInit: { headers } })
const stdio = (of) => new of.StdioClientTransport({
  command: binary, args: ['mcp'], env: { ...process.env, DATA_DIR: dataDir, ELIZA_SERVER_AUTH_TOKEN: key },
})
const modern = { versionNegotiation: { mode: 'auto' } }
const ways = [
  ['1.32.2 over http', new v1.Client(info), () => http(v1http)],
  ['1.32.2 over stdio', new v1.Client(info), () => stdio(v1stdio)],
  ['2.4.0 over http', new v2.Client(info, modern), () => http(v2), '2026-07-28'],
  ['2.4.0 over stdio', new v2.Client(info, modern), () => stdio(v2stdio), '2026-07-28'],
]
for (const [name, client, transport, version] of ways) {
  await client.connect(transport())
  if (version) assert.equal(client.getNegotiatedProtocolVersion(), version, name)
  const call = async (tool, args = {}) => {
    const result = await client.callTool({ name: tool, arguments: args })
    assert.ok(!result.isError, `${name}: ${tool}: ${JSON.stringify(result.content)}`)
    return JSON.parse(result.content[0].text)
  }
  const { tools } = await client.listTools()
  assert.equal(tools.length, 10, name)
  assert.ok((await call('list_agents')).agents.some((a) => a.id === agent), name)
  const text = `I feel heard by ${name}`
  const sent = await call('send_message', { agentId: agent, text })
  assert.equal(sent.turns[0].outcome, 'replied', name)
  const { messages } = await call('read_conversation', { channelId: sent.channelId })
  assert.ok(messages.some((m) => m.id === sent.replies[0].id) && messages.some((m) => m.text === text), name)
  const { memories } = await call('search_memory', { agentId: agent, query: 'where is the spare key', table: 'facts' })
  assert.match(memories[0].text, /behind the clock/, name)
  assert.ok((await call('history', { channel: sent.channelId })).events.length > 1, name)
  assert.ok((await call('story', { kind: 'message', id: sent.id })).events.length > 0, name)
  assert.ok((await call('why', { turnId: sent.turns[0].turnId })).turn.model, name)
  assert.equal((await call('verify')).well, true, name)
  const { resources } = await client.listResources()
  const { contents } = await client.readResource({ uri: resources.find((r) => r.uri.endsWith(agent)).uri })
  assert.equal(JSON.parse(contents[0].text).name, 'Audited', name)
  assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 2, name)
  const wrong = await client.callTool({ name: 'read_conversation', arguments: { channelId: 'none' } })
  assert.ok(wrong.isError, name)
  await client.close()
  console.log(`${name}: ${tools.length} tools, a talk, memory, history and resources`)
}
