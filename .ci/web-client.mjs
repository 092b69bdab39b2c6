// Drives the unmodified web client of ElizaOS in headless Chromium against a running server that serves it (ELIZA_UI_DIR).
//
//   node web-client.mjs BASE FOLDER-OF-PLAYWRIGHT FOLDER-FOR-SCREENSHOTS [KEY]
//
// With a key it first meets the page without one, and enters it as a person does. Every step has to succeed, no page may
// throw, and no request may be answered by an error; each step leaves a screenshot.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const [base, modules, pictures, key] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(modules, 'index.js')))).default;
const patience = 30_000;

const headers = { 'content-type': 'application/json', ...key && { 'x-api-key': key } };
const api = async (method, path, body) => (await (await fetch(base + path, { method, headers, body: body && JSON.stringify(body) })).json()).data;
const made = async name => (await api('POST', '/api/agents', { characterJson: { name, bio: ['Listens.'], plugins: [] } })).id;
const ada = await made('Ada'), bert = await made('Bert');
await api('POST', `/api/agents/${ada}/stop`, {});
await api('POST', `/api/agents/${bert}/start`, {});

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
context.setDefaultTimeout(patience);
await context.addInitScript(() => localStorage.setItem('eliza-onboarding-completed', 'true'));
const faults = [];
let expected = /^$/; // what may be answered by an error, for now
const open = async path => {
  const page = await context.newPage();
  page.on('pageerror', error => faults.push(`the page threw ${error.message}`));
  page.on('response', r => { if (r.status() >= 400 && !expected.test(r.url())) faults.push(`${r.status()} ${r.request().method()} ${r.url()}`); });
  page.on('dialog', dialog => dialog.accept());
  await page.goto(base + path);
  return page;
};

// red is a PNG of one colour.
const red = (width, height) => {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]), frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width);
  size.writeUInt32BE(height, 4);
  const row = Buffer.concat([Buffer.from([0]), ...Array(width).fill(Buffer.from([255, 0, 0]))]);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', Buffer.concat([size, Buffer.from([8, 2, 0, 0, 0])])),
    chunk('IDAT', deflateSync(Buffer.concat(Array(height).fill(row)))), chunk('IEND', Buffer.alloc(0))]);
};

let page, other, number = 0;
const step = async (name, does) => {
  try {
    await does();
  } catch (error) {
    faults.push(error.message.split('\n').slice(0, 5).join('\n    '));
  }
  if (page && !page.isClosed()) await page.screenshot({ path: join(pictures, `${String(++number).padStart(2, '0')}-${name.replaceAll(' ', '-')}.png`) });
  console.log(`${faults.length ? 'FAIL' : 'ok  '} ${name}`);
  if (faults.length) {
    console.log('    ' + faults.join('\n    '));
    await browser.close();
    process.exit(1);
  }
};

const input = on => on.getByTestId('chat-input');
const says = async (on, text) => {
  await input(on).fill(text);
  await on.getByTestId('send-button').click();
  await on.locator('p', { hasText: text }).first().waitFor();
};
// What the visitor said stands on the right.
const bubble = (on, text) => on.locator('.self-end').filter({ has: on.locator('p', { hasText: text }) }).last();
const counted = async (what, locator, n) => {
  for (const end = Date.now() + patience; await locator.count() < n;) {
    assert.ok(Date.now() < end, `${what}: ${await locator.count()} of ${n}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};

if (key) {
  await step('the key is asked for and entered', async () => {
    expected = /\/api\/|\/socket\.io\//;
    page = await open(`/group/${ada}?serverId=00000000-0000-0000-0000-000000000000`);
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.screenshot({ path: join(pictures, '00-without-a-key.png') });
    await dialog.locator('input').fill(key);
    await dialog.getByRole('button', { name: 'Save Key' }).click();
    await page.reload();
    await page.getByRole('link', { name: 'Ada' }).waitFor();
    const cookies = await context.cookies();
    assert.ok(cookies.some(c => c.httpOnly && c.sameSite === 'Strict'), 'the key is exchanged for a cookie');
    await page.close();
    expected = /^$/;
  });
}

await step('the agents are listed', async () => {
  page = await open('/');
  await page.getByTestId('agent-card').filter({ hasText: 'Ada' }).waitFor();
  await counted('cards', page.getByTestId('agent-card'), 2);
});

await step('an agent is started', async () => {
  await page.getByLabel('Toggle Ada').click();
  for (const end = Date.now() + patience; (await api('GET', `/api/agents/${ada}`)).status !== 'active';) {
    assert.ok(Date.now() < end, 'Ada does not run');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
});

await step('the agent answers in a chat', async () => {
  await page.getByRole('link', { name: 'Ada' }).first().click();
  await input(page).waitFor();
  await says(page, 'I feel at home here.');
  await counted('said', page.locator('.markdown-content'), 2);
});

await step('a second tab sees it live', async () => {
  other = await open(page.url().slice(base.length));
  await other.locator('p', { hasText: 'I feel at home here.' }).first().waitFor();
  await says(page, 'My sister is in the garden.');
  await other.locator('p', { hasText: 'My sister is in the garden.' }).first().waitFor();
  assert.equal(await page.locator('p', { hasText: 'My sister is in the garden.' }).count(), 1, 'it shows twice');
  await counted('said in both tabs', other.locator('.markdown-content'), 4);
});

await step('an uploaded picture shows', async () => {
  await page.locator('input[type=file]').first().setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: red(100, 50) });
  await says(page, 'Look at this.');
  const shown = bubble(page, 'Look at this.').locator('img');
  await shown.waitFor();
  assert.equal(await shown.evaluate(async img => { await img.decode(); return img.naturalWidth; }), 100);
  await other.reload();
  await bubble(other, 'Look at this.').locator('img').waitFor();
  assert.equal(await bubble(other, 'Look at this.').locator('img').evaluate(async img => { await img.decode(); return img.naturalWidth; }), 100);
});

await step('a message is deleted', async () => {
  await input(page).and(page.locator(':enabled')).waitFor();
  const message = bubble(page, 'My sister is in the garden.');
  await message.hover();
  await message.locator('button:has(.lucide-trash2)').click();
  await message.waitFor({ state: 'detached' });
  await bubble(other, 'My sister is in the garden.').waitFor({ state: 'detached' });
});

await step('a channel is renamed', async () => {
  const channels = (await api('GET', '/api/messaging/central-servers/00000000-0000-0000-0000-000000000000/channels')).channels;
  const mine = channels.find(c => c.metadata?.forAgent === ada);
  await api('PATCH', `/api/messaging/central-channels/${mine.id}`, { name: 'About the garden' });
  await page.reload();
  await page.getByRole('button', { name: 'About the garden' }).waitFor();
});

const confirm = async () => {
  const sure = page.getByRole('alertdialog').or(page.getByRole('dialog'));
  await sure.getByRole('button', { name: /Clear|Delete|Confirm/ }).last().click();
};

await step('a channel is cleared', async () => {
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Clear Chat' }).click();
  await confirm();
  await page.locator('.markdown-content').first().waitFor({ state: 'detached' });
  await other.locator('.markdown-content').first().waitFor({ state: 'detached' });
});

await step('a channel is deleted', async () => {
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Delete Chat' }).click();
  await confirm();
  await page.getByRole('button', { name: 'About the garden' }).waitFor({ state: 'detached' });
  await other.close();
});

await step('two agents answer in a group', async () => {
  await page.goto(base + '/');
  await page.getByRole('button', { name: 'Create New' }).first().click();
  await page.getByRole('menuitem', { name: 'Create New Group' }).click();
  await page.locator('#chat-name').fill('Round Table');
  await page.getByText('Select agents...').click();
  await page.locator('[data-slot=card] [data-slot=card] .cursor-pointer', { hasText: 'Ada' }).click();
  await page.locator('[data-slot=card] [data-slot=card] .cursor-pointer', { hasText: 'Bert' }).click();
  await page.getByText('Create Group Chat').click();
  await page.getByRole('button', { name: 'Create Group' }).click();
  await page.waitForURL(/\/group\//);
  await says(page, 'I feel at home here.');
  await counted('said in the group', page.locator('.markdown-content'), 3);
});

await step('a group is renamed and deleted', async () => {
  await page.getByRole('button', { name: 'Edit Group' }).click();
  await page.locator('#chat-name').fill('Square Table');
  await page.getByRole('button', { name: 'Update Group' }).click();
  await page.getByRole('link', { name: 'Square Table' }).or(page.getByRole('button', { name: 'Square Table' })).first().waitFor();
  await page.locator('#chat-name').waitFor({ state: 'detached' });
  await page.locator('button:right-of(:text("Edit Group"))').first().click();
  await page.getByRole('menuitem', { name: 'Delete Group' }).click();
  await confirm();
  await page.getByText('Square Table').first().waitFor({ state: 'detached' });
});

await step('a character is edited', async () => {
  await page.goto(`${base}/settings/${ada}`);
  await page.locator('textarea[name=system]').fill('Be a listener.');
  await page.getByRole('button', { name: 'Save' }).click();
  for (const end = Date.now() + patience; (await api('GET', `/api/agents/${ada}`)).system !== 'Be a listener.';) {
    assert.ok(Date.now() < end, 'the change does not arrive');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
});

await step('the log is shown', async () => {
  await page.goto(base + '/logs');
  await page.getByText(/\b(INFO|WARN|DEBUG)\b/i).first().waitFor();
});

await browser.close();
console.log(`the web client works ${key ? 'with' : 'without'} a key`);
