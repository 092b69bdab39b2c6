// Old character files load, say what became of their fields, start, and answer.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [base, folder] = process.argv.slice(2)
const person = '11111111-1111-4111-8111-111111111111'

async function call(method, path, body) {
  const answer = await fetch(base + path, {
    method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body), signal: AbortSignal.timeout(60_000),
  })
  if (answer.status === 204) return
  const { success, data, error } = await answer.json()
  if (!success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(error)}`)
  return data
}

const files = readdirSync(folder).filter(name => name.endsWith('.json'))
if (!files.length) throw new Error(`no character in ${folder}`)
for (const file of files) {
  const made = await call('POST', '/api/agents', { characterJson: JSON.parse(readFileSync(join(folder, file), 'utf8')) })
  if (!made.converted?.length) throw new Error(`${file}: what became of it is not said`)
  await call('POST', `/api/agents/${made.id}/start`)
  const channel = await call('POST', '/api/messaging/central-channels', {
    name: file, server_id: '0', type: 'DM', participantCentralUserIds: [person, made.id],
  })
  const sent = await call('POST', `/api/messaging/central-channels/${channel.id}/messages?wait=reply`, { author_id: person, server_id: '0', content: 'Is it late?' })
  if (!sent.replies?.[0]?.content) throw new Error(`${file}: no answer`)
  const outcomes = outcome => made.converted.filter(c => c.outcome === outcome).map(c => c.field).join(' ')
  console.log(`${file}: converted ${outcomes('converted')}; kept ${outcomes('kept')}; dropped ${outcomes('dropped')}`)
  await call('DELETE', `/api/agents/${made.id}`)
}
