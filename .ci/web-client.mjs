// Drives the unmodified web client of ElizaOS in headless Chromium against a running server that serves it (ELIZA_UI_DIR).
//
//   node web-client.mjs BASE FOLDER-OF-PLAYWRIGHT FOLDER-FOR-SCREENSHOTS [KEY]
//
// With a key it first meets the page without one, and enters it as a person does. Every step has to succeed and to end at
// rest, with what watched.mjs looks at in order; each leaves a screenshot of every page.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answered, confirmed, counted, free, mine, name, patience, picture, says, shows, until } from './web-client/hand.mjs';
import { house } from './web-client/house.mjs';
import { watched } from './web-client/watched.mjs';

const [base, modules, pictures, key] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(modules, 'index.js')))).default;
const everywhere = '00000000-0000-0000-0000-000000000000';

const headers = { 'content-type': 'application/json', ...key && { 'x-api-key': key } };
const api = async (method, path, body) => {
  const answer = await (await fetch(base + path, { method, headers, body: body && JSON.stringify(body) })).text();
  return answer && JSON.parse(answer).data;
};
const made = async name => (await api('POST', '/api/agents', { characterJson: { name, bio: ['Listens.'], plugins: [] } })).id;
const ada = await made('Ada'), bert = await made('Bert');
await api('POST', `/api/agents/${ada}/stop`, {});
await api('POST', `/api/agents/${bert}/start`, {});

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
context.setDefaultTimeout(patience);
await context.addInitScript(() => localStorage.setItem('eliza-onboarding-completed', 'true'));
const { faults, open, rest, sound, expect } = watched(context, base);

let page, other, number = 0;
const shoot = async name => {
  for (const [on, which] of [[page, ''], [other, '-other']]) {
    if (on && !on.isClosed()) await on.screenshot({ animations: 'disabled', path: join(pictures, `${String(number).padStart(2, '0')}-${name.replaceAll(' ', '-')}${which}.png`) });
  }
};
const step = async (name, does) => {
  number++;
  try {
    await does();
    for (const on of [page, other]) {
      if (!on || on.isClosed()) continue;
      await rest(on);
      await sound(on);
    }
  } catch (error) {
    faults.push(error.message.split('\n').slice(0, 5).join('\n    '));
  }
  await shoot(name);
  console.log(`${faults.length ? 'FAIL' : 'ok  '} ${name}`);
  if (faults.length) {
    console.log('    ' + faults.join('\n    '));
    await browser.close();
    process.exit(1);
  }
};

const told = text => page.locator('li[data-state=open]', { hasText: text }).waitFor();
const channel = async holds => (await api('GET', `/api/messaging/central-servers/${everywhere}/channels`)).channels.find(holds);
const confirm = () => confirmed(page);

if (key) {
  const corridor = (await api('POST', '/api/messaging/central-channels', { name: 'Corridor', type: 'GROUP', server_id: everywhere, participantCentralUserIds: [ada, bert] })).id;
  await step('the key is asked for and entered', async () => {
    expect(/401|X-API-KEY|Unauthorized|^400 \w+ .*\/socket\.io\/|status of 400 .*\/socket\.io\//);
    page = await open(`/group/${corridor}?serverId=${everywhere}`);
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await shoot('without a key');
    const knocks = [];
    page.on('request', r => { if (/\/socket\.io\//.test(r.url()) && !/sid=/.test(r.url())) knocks.push(r.url()); });
    await dialog.locator('input').pressSequentially(key, { delay: 200 });
    await dialog.getByRole('button', { name: 'Save Key' }).click();
    await told('API Key Saved');
    assert.ok(knocks.length <= 1, `it comes back ${knocks.length} times while the key is entered`);
    // It asks for the version before an answer has brought the cookie, and again a little later.
    expect(/401.*\/api\/system\/version|server version: 401/);
    await page.reload();
    await page.getByRole('heading', { name: 'Corridor' }).waitFor();
    await page.getByRole('link', { name: 'Ada' }).waitFor();
    await page.getByText('Connected', { exact: true }).waitFor();
    const cookies = await context.cookies();
    assert.ok(cookies.some(c => c.httpOnly && c.sameSite === 'Strict' && c.expires > Date.now() / 1000), 'the key is exchanged for a cookie');
  });
  expect();
  await page.close();
  await api('DELETE', `/api/messaging/central-channels/${corridor}`);
}

await step('the agents are listed', async () => {
  page = await open('/');
  await counted('cards', page.getByTestId('agent-card'), 2);
  for (const [name, state] of [['Ada', 'unchecked'], ['Bert', 'checked']]) {
    await page.getByTestId('agent-card').filter({ hasText: name }).getByText('Listens.').waitFor();
    await page.locator(`[aria-label="Toggle ${name}"][data-state=${state}]`).waitFor();
    await page.getByRole('link', { name }).waitFor();
  }
  await page.getByText(`v${(await api('GET', '/api/system/version')).version}`, { exact: true }).waitFor();
});

await step('a page loads the client of Socket.IO from the server, and connects', async () => {
  const plain = await context.newPage(); // the web client's own page has a module loader in the way
  await plain.goto(`${base}/api/server/ping`);
  await plain.addScriptTag({ url: `${base}/socket.io/socket.io.min.js` });
  assert.ok(await plain.evaluate(() => new Promise((resolve, reject) => {
    const socket = window.io();
    socket.on('connect', () => { resolve(socket.id); socket.disconnect(); });
    socket.on('connect_error', reject);
  })));
  await plain.close();
});

await step('an agent is started', async () => {
  await page.getByLabel('Toggle Ada').click();
  await told('Agent Started');
  await page.locator('[aria-label="Toggle Ada"][data-state=checked]').waitFor();
  assert.equal((await api('GET', `/api/agents/${ada}`)).status, 'active');
});

await step('the agent answers in a chat', async () => {
  await page.getByRole('link', { name: 'Ada' }).click();
  await says(page, 'I feel at home here.');
  await answered(page, 1);
  assert.match(await name(page), /^Chat - \w{3} \d{1,2}, \d\d:\d\d:\d\d$/);
  await counted('said', page.locator('.markdown-content'), 2);
});

await step('a second tab sees it live and the chat is named', async () => {
  other = await open(page.url().slice(base.length));
  await mine(other, 'I feel at home here.').waitFor();
  await counted('said before', other.locator('.markdown-content'), 2);
  await says(page, 'My sister is in the garden.');
  for (const on of [page, other]) {
    await mine(on, 'My sister is in the garden.').waitFor();
    await answered(on, 2);
    await counted('said in both tabs', on.locator('.markdown-content'), 4);
    await until('a title', async () => !/^(Chat - .*)?$/.test(await name(on)));
  }
});

await step('an uploaded picture shows', async () => {
  await page.locator('input[type=file]').first().setInputFiles(picture);
  await says(page, 'Look at this.');
  await shows(page, 'Look at this.');
  await shows(other, 'Look at this.');
  await answered(page, 3);
  await other.reload();
  await shows(other, 'Look at this.');
  await counted('said', other.locator('.markdown-content'), 6);
});

await step('a message is deleted', async () => {
  const [here, there] = [page, other].map(on => mine(on, 'My sister is in the garden.'));
  await there.waitFor();
  await here.hover();
  await here.locator('button:has(.lucide-trash2)').click();
  await told('Message Deleted');
  await here.waitFor({ state: 'detached' });
  await there.waitFor({ state: 'detached' });
  await other.reload();
  await counted('said that are left', other.locator('.markdown-content'), 5);
});

await step('what the agent did is shown', async () => {
  const calls = page.getByRole('tab', { name: 'Model Calls' });
  if (await calls.count() === 0) await page.locator('button:has(.lucide-panel-right)').click(); // as it was left
  await calls.click();
  await page.getByRole('heading', { name: 'REPLY' }).first().waitFor();
  assert.equal(await page.getByText('Action ID: N/A').count(), 0);
  const call = page.locator('.group').filter({ hasText: 'TEXT_LARGE' });
  await call.first().getByRole('button', { name: 'View details' }).click();
  await page.locator('pre', { hasText: 'I feel at home here.' }).first().waitFor(); // the prompt, and what came of it
  await page.locator('pre', { hasText: 'sister' }).first().waitFor();
});

await step('an entry of what the agent did is deleted', async () => {
  const calls = page.locator('.group').filter({ hasText: 'TEXT_LARGE' }), n = await calls.count();
  await calls.first().hover();
  await calls.first().getByTitle('Delete log entry').click();
  await confirm();
  await told('Log Deleted');
  await counted('calls', calls, n - 1);
});

await step('what the agent remembers is shown', async () => {
  await page.getByRole('tab', { name: 'Memories' }).click();
  const memory = page.locator('p.whitespace-pre-wrap', { hasText: 'I feel at home here.' });
  await memory.first().waitFor();
  await page.getByRole('tabpanel').getByRole('combobox').click();
  await page.getByRole('option', { name: 'Current Chat' }).click();
  await memory.first().waitFor();
});

await step('a memory is edited', async () => {
  const memory = page.locator('.group').filter({ has: page.locator('p.whitespace-pre-wrap', { hasText: 'Look at this.' }) });
  await memory.hover();
  await memory.getByTitle('Edit memory').click();
  const editor = page.locator('textarea').filter({ hasText: '"text"' });
  await editor.fill((await editor.inputValue()).replace('Look at this.', 'Look at that.'));
  await page.getByRole('button', { name: /Save/ }).last().click();
  await told('Memory Updated');
  await page.locator('p.whitespace-pre-wrap', { hasText: 'Look at that.' }).waitFor();
  await mine(page, 'Look at this.').waitFor(); // what was said stays
});

await step('a chat that was renamed elsewhere is shown by its name', async () => {
  await api('PATCH', `/api/messaging/central-channels/${(await channel(c => c.metadata?.forAgent === ada)).id}`, { name: 'About the garden' });
  await page.reload();
  await page.getByRole('button', { name: 'About the garden' }).waitFor();
  await page.locator('button:has(.lucide-panel-right-close)').click();
});

await step('something is said again', async () => {
  const said = mine(page, 'I feel at home here.');
  await said.hover();
  await said.locator('button:has(.lucide-refresh-ccw)').click();
  for (const on of [page, other]) {
    await counted('times it is said', mine(on, 'I feel at home here.'), 2);
    await answered(on, 4);
  }
});

await step('a chat is cleared', async () => {
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Clear Chat' }).click();
  await confirm();
  await told('Channel Cleared');
  for (const on of [page, other]) await on.getByText('No messages yet.').waitFor();
  await other.reload();
  await other.getByText('No messages yet.').waitFor();
});

await step('a chat is deleted and makes room for a new one', async () => {
  await other.close();
  await page.getByRole('button', { name: 'More options' }).click();
  await page.getByRole('menuitem', { name: 'Delete Chat' }).click();
  await confirm();
  await page.getByRole('button', { name: 'About the garden' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Chat - / }).waitFor();
  await page.getByText('No messages yet.').waitFor();
  assert.equal(await channel(c => c.name === 'About the garden'), undefined);
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
  await page.getByRole('heading', { name: 'Round Table' }).waitFor();
  other = await open(page.url().slice(base.length));
  for (const on of [page, other]) { // the client may have chosen one of them while it did not know the other yet
    await on.getByRole('button', { name: 'Bert', exact: true }).waitFor();
    await on.getByRole('button', { name: 'All', exact: true }).click();
    await on.getByText('No messages yet.').waitFor();
  }
  await says(page, 'I feel at home here.');
  for (const on of [page, other]) {
    await mine(on, 'I feel at home here.').waitFor();
    await answered(on, 1, 'Ada');
    await answered(on, 1, 'Bert');
    await counted('said in the group', on.locator('.markdown-content'), 3);
  }
});

await step('a picture shows in a group', async () => {
  await page.locator('input[type=file]').first().setInputFiles(picture);
  await says(page, 'Look at this.');
  for (const on of [page, other]) {
    await shows(on, 'Look at this.');
    await answered(on, 2, 'Ada');
    await answered(on, 2, 'Bert');
  }
});

await step('input is enabled again where nobody answers', async () => {
  for (const agent of [ada, bert]) await api('POST', `/api/agents/${agent}/stop`, {});
  await says(page, 'Is anybody there?');
  await free(page);
  for (const agent of [ada, bert]) await api('POST', `/api/agents/${agent}/start`, {});
  await says(page, 'And now?');
  await answered(page, 3, 'Ada');
});

await step('a group is renamed', async () => {
  await page.getByRole('button', { name: 'Edit Group' }).click();
  await page.locator('#chat-name').fill('Square Table');
  await page.getByRole('button', { name: 'Update Group' }).click();
  await page.locator('#chat-name').waitFor({ state: 'detached' });
  await told('Group Updated');
  await page.getByRole('link', { name: 'Square Table' }).waitFor();
  for (const on of [page, other]) { // the client keeps the name above the talk until it is loaded again
    await on.reload();
    await on.getByRole('heading', { name: 'Square Table' }).waitFor();
    await on.getByRole('link', { name: 'Square Table' }).waitFor();
  }
});

await step('a group is deleted', async () => {
  await other.close();
  await page.locator('button:right-of(:text("Edit Group"))').first().click();
  await page.getByRole('menuitem', { name: 'Delete Group' }).click();
  await confirm();
  await page.waitForURL(base + '/');
  await counted('cards', page.getByTestId('agent-card'), 2);
  await page.getByText('Square Table').waitFor({ state: 'detached' });
});

await house({ page, base, api, ada, step, shoot, told, confirm });

await browser.close();
console.log(`the web client works ${key ? 'with' : 'without'} a key`);
