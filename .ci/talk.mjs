// Talks to a running agent in a channel of its own. The answer has to come to whoever waits for it, to be pushed over the
// WebSocket no earlier than it can be read, and to be listed.
const [base, agent] = process.argv.slice(2)
const person = '11111111-1111-4111-8111-111111111111'
const impatience = setTimeout(() => fail('no answer within 30 s'), 30_000)

function fail(why) {
  console.error(why)
  process.exit(1)
}

async function call(method, path, body) {
  const answer = await fetch(base + path, {
    method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
  })
  const { success, data, error } = await answer.json()
  if (!success) fail(`${method} ${path}: ${answer.status} ${JSON.stringify(error)}`)
  return data
}

const channel = await call('POST', '/api/messaging/central-channels', {
  name: 'Us', server_id: '0', type: 'DM', participantCentralUserIds: [person, agent],
})
const messages = `/api/messaging/central-channels/${channel.id}/messages`
const listed = async id => (await call('GET', messages)).messages.some(m => m.id === id)

const socket = new WebSocket(base.replace('http', 'ws') + '/ws')
socket.onerror = () => fail('the WebSocket failed')
socket.onopen = () => socket.send(JSON.stringify({ subscribe: { channels: [channel.id], types: ['MessageSubmitted'] } }))
const pushed = new Map()
const caughtUp = new Promise(resolve => {
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data)
    if (frame.caughtUp) resolve()
    for (const e of frame.events ?? []) pushed.set(e.data.messageId, listed(e.data.messageId))
  }
})
await caughtUp

const sent = await call('POST', `${messages}?wait=reply`, { author_id: person, server_id: '0', content: 'I feel at home here.' })
const reply = sent.replies?.[0]
if (reply?.inReplyToRootMessageId !== sent.id || reply.authorId !== agent) fail(`waited for: ${JSON.stringify(sent)}`)
while (!pushed.has(reply.id)) await new Promise(resolve => socket.addEventListener('message', resolve, { once: true }))
if (!await pushed.get(reply.id)) fail('the answer was pushed and could not be read')
if (!await listed(sent.id) || !await listed(reply.id)) fail('the channel does not list both messages')
console.log(`- ${sent.content}\n- ${reply.content}`)
clearTimeout(impatience)
socket.close()
