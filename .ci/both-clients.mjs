// Drives the unmodified web clients of ElizaOS 1.7.2 and 1.2.0 in headless Chromium beside each other, on one server, in one channel.
// The server serves the client of 1.7.2 (ELIZA_UI_DIR); the files of 1.2.0's come from a folder, at the same origin.
//
//   node both-clients.mjs BASE FOLDER-OF-PLAYWRIGHT FOLDER-OF-CLIENT-1.2.0 FOLDER-FOR-SCREENSHOTS [KEY]
//
// Every step has to succeed without a fault on either page, see watched.mjs; each leaves a screenshot of both.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { counted, free, patience, picture, until } from './web-client/hand.mjs';
import { watched } from './web-client/watched.mjs';

const [base, modules, older, pictures, key] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(modules, 'index.js')))).default;
const home = '00000000-0000-0000-0000-000000000000';

const headers = { 'content-type': 'application/json', ...key && { 'x-api-key': key } };
const api = async (method, path, body) => {
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  const text = await answer.text();
  return text && JSON.parse(text).data;
};
const made = async name => (await api('POST', '/api/agents', { characterJson: { name, bio: ['Listens.'], plugins: [] } })).id;
const ada = await made('Ada'), bert = await made('Bert'); // who does not run
await api('POST', `/api/agents/${ada}/start`, {});

// A page whose files the test hands over has no address: Chromium would take it for a stranger that may not call this machine.
const args = ['--no-sandbox', '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
// A visitor has a browser of its own: the clients keep who it is, and the key, in the page's storage.
const visitor = async () => {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(patience);
  await context.addInitScript(([origin, key]) => {
    localStorage.setItem('eliza-onboarding-completed', 'true');
    if (key) localStorage.setItem(`eliza-api-key-${origin}`, key);
  }, [base, key]);
  return context;
};
const contexts = { today: await visitor(), older: await visitor() };
await contexts.older.route(url => url.href.startsWith(base) && !/^\/(api|media|socket\.io)\//.test(url.pathname), route => {
  const file = join(older, new URL(route.request().url()).pathname);
  return route.fulfill({ path: existsSync(file) && /\.\w+$/.test(file) ? file : join(older, 'index.html') });
});
const visits = { today: watched(contexts.today, base), older: watched(contexts.older, base) };
const pages = {};

// Neither client sends the key with its first question for the version.
if (key) for (const visit of Object.values(visits)) visit.expect(/401.*\/api\/system\/version|server version: 401/);

let number = 0;
const step = async (name, does) => {
  number++;
  const faults = [];
  try {
    await does();
    for (const [which, page] of Object.entries(pages)) await visits[which].sound(page);
  } catch (error) {
    faults.push(error.message.split('\n').slice(0, 5).join('\n    '));
  }
  faults.push(...Object.entries(visits).flatMap(([which, visit]) => visit.faults.map(fault => `${which}: ${fault}`)));
  for (const [which, page] of Object.entries(pages)) await page.screenshot({ animations: 'disabled', path: join(pictures, `both-${number}-${which}.png`) });
  console.log(`${faults.length ? 'FAIL' : 'ok  '} ${name}`);
  if (faults.length) {
    console.log('    ' + faults.join('\n    '));
    await browser.close();
    process.exit(1);
  }
};

const input = page => page.getByTestId('chat-input');
const says = async (page, text) => {
  await free(page);
  await input(page).fill(text);
  await page.getByTestId('send-button').click();
};
// read waits until a page shows a text once.
const read = (page, text) => counted(`times ${text}`, page.getByTestId('chat-messages').or(page.locator('main')).last().getByText(text, { exact: true }), 1);
// everybody shows what all say: where a client has chosen an agent of a group, it shows that agent and the visitor alone. Of a group
// with one agent it always chooses that one.
const everybody = async page => {
  await free(page);
  await page.getByRole('button', { name: 'Bert', exact: true }).waitFor();
  await page.getByRole('button', { name: 'All', exact: true }).click();
};
const talk = async channel => (await api('GET', `/api/messaging/channels/${channel}/messages`)).messages;

await step('the agent answers in a chat of the client of 1.7.2', async () => {
  pages.today = await visits.today.open('/');
  await pages.today.getByTestId('agent-card').filter({ hasText: 'Ada' }).waitFor();
  await pages.today.goto(`${base}/chat/${ada}`);
  await says(pages.today, 'I feel at home here.');
  await read(pages.today, 'I feel at home here.');
  const channel = await until('a channel', async () => /\/chat\/[^/]+\/[0-9a-f-]{36}/.test(pages.today.url())).then(() => pages.today.url().split('/').at(-1));
  await until('an answer', async () => (await talk(channel)).length === 2);
  await read(pages.today, (await talk(channel)).find(m => m.authorId === ada).content);
  await free(pages.today);
});

let group;
await step('both clients open one group', async () => {
  group = (await api('POST', '/api/messaging/channels', { name: 'Corridor', type: 'GROUP', message_server_id: home, participantCentralUserIds: [ada, bert] })).id;
  await pages.today.goto(`${base}/group/${group}?messageServerId=${home}`);
  pages.older = await visits.older.open(`/group/${group}?serverId=${home}`);
  for (const page of Object.values(pages)) await everybody(page);
  // A page can be used before it has joined the channel: both are there once they show what is said meanwhile.
  let n = 0;
  await until('both have joined', async () => {
    const content = `Is everybody there? (${++n})`;
    await api('POST', '/api/messaging/submit', { channel_id: group, message_server_id: home, author_id: ada, content, source_type: 'agent_response', raw_message: { text: content } });
    await new Promise(resolve => setTimeout(resolve, 1000));
    return (await Promise.all(Object.values(pages).map(page => page.getByText(content, { exact: true }).count()))).every(shown => shown === 1);
  });
});

for (const [from, text] of [['today', 'I came from the newer client.'], ['older', 'I came from the older client.']]) {
  await step(`what the client ${from === 'today' ? 'of 1.7.2' : 'of 1.2.0'} says, and the answer, both see live`, async () => {
    const before = (await talk(group)).length;
    await says(pages[from], text);
    for (const page of Object.values(pages)) await read(page, text);
    await until('an answer', async () => (await talk(group)).length === before + 2);
    const answer = (await talk(group)).find(m => m.authorId === ada); // the newest
    for (const page of Object.values(pages)) await read(page, answer.content);
    for (const page of Object.values(pages)) await free(page); // a group that was opened by its address: messageComplete frees the input
  });
}

await step('a picture of the client of 1.7.2 shows in both', async () => {
  await pages.today.locator('input[type=file]').first().setInputFiles(picture);
  await says(pages.today, 'Look at this.');
  for (const page of Object.values(pages)) {
    await read(page, 'Look at this.');
    const shown = page.locator('img[src*="/media/uploads/"]').first();
    await shown.waitFor();
    assert.equal(await shown.evaluate(async img => { await img.decode(); return img.naturalWidth; }), 100);
  }
});

await step('both show the whole talk when they are loaded again', async () => {
  await until('the last answer', async () => (await talk(group))[0].authorId === ada);
  for (const page of Object.values(pages)) {
    await page.reload();
    await everybody(page);
    for (const text of ['I came from the newer client.', 'I came from the older client.', 'Look at this.']) await read(page, text);
  }
});

await browser.close();
console.log(`the web clients of 1.7.2 and 1.2.0 work beside each other ${key ? 'with' : 'without'} a key`);
