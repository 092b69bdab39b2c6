// Drives the dashboard in a real browser, as an operator would: agents, a talk, the live stream through a cut of the
// connection, a story, a parked event that is retried, a rebuild that is watched. Nothing may be written to the console, and
// axe-core may find nothing serious.
//
//   node dashboard.mjs <annals binary> <folder with node_modules> <chromium> [folder for screenshots]
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const [binary, modules, browserPath, shots] = process.argv.slice(2);
const require = createRequire(path.resolve(modules) + '/');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'annals-dashboard-'));
fs.chmodSync(work, 0o711); // PostgreSQL runs as another user
const impatience = setTimeout(() => { console.error('the tour took too long'); process.exit(1); }, 300_000);

// A model that can be told to refuse, which parks what it was asked.
const model = { refuses: false };
const endpoint = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; }).on('end', () => {
    if (model.refuses) {
      response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error":{"message":"no"}}');
      return;
    }
    const asked = JSON.parse(body);
    if (asked.input) {
      const inputs = [asked.input].flat();
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ object: 'list', model: asked.model, data: inputs.map((text, index) => ({ object: 'embedding', index, embedding: [...Array(8).keys()].map((i) => (text.length + i) % 7 + 1) })) }));
      return;
    }
    const text = 'I hear you.';
    if (asked.stream) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      for (const delta of text.split(/(?<= )/)) response.write(`data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: asked.model, choices: [{ index: 0, delta: { role: 'assistant', content: delta } }] })}\n\n`);
      response.end(`data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 1, model: asked.model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ id: '1', object: 'chat.completion', created: 1, model: asked.model, choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }], usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 } }));
  });
});
await new Promise((resolve) => endpoint.listen(0, '127.0.0.1', resolve));

const environment = {
  ...process.env, DATA_DIR: path.join(work, 'data'), SERVER_PORT: '0', RATE_LIMIT: 'off',
  OPENAI_BASE_URL: `http://127.0.0.1:${endpoint.address().port}/v1`, OPENAI_API_KEY: 'k',
};
const server = spawn(binary, ['serve'], { env: environment, stdio: ['ignore', 'pipe', fs.openSync(path.join(work, 'log'), 'w')] });
const stopped = new Promise((resolve) => server.on('exit', resolve));
const base = await new Promise((resolve, reject) => {
  let said = '';
  server.stdout.on('data', (part) => {
    said += part;
    const found = /http:\/\/[^/\s]+/.exec(said);
    if (found) resolve(found[0]);
  });
  stopped.then(() => reject(new Error(`annals did not start: ${fs.readFileSync(path.join(work, 'log'), 'utf8')}`)));
});

// The browser comes through a door that can be shut.
const open = new Set();
let shut = false;
const door = net.createServer((client) => {
  if (shut) { client.destroy(); return; }
  const { hostname, port } = new URL(base);
  const inner = net.connect(Number(port), hostname);
  for (const [one, other] of [[client, inner], [inner, client]]) {
    open.add(one);
    one.on('error', () => {}).on('close', () => { open.delete(one); other.destroy(); });
    one.pipe(other);
  }
});
await new Promise((resolve) => door.listen(0, '127.0.0.1', resolve));
const page_ = `http://127.0.0.1:${door.address().port}`;

async function call(method, route, body) {
  const answer = await fetch(base + route, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${route}: ${answer.status} ${text}`);
  return text ? JSON.parse(text).data : undefined;
}

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const complaints = [];

async function newPage(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 850 }, ...options });
  page.on('pageerror', (error) => complaints.push(`error: ${error.stack}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !shut) complaints.push(`console: ${message.text()}`);
  });
  return page;
}

const page = await newPage();
const shot = async (name, of = page) => { if (shots) await of.screenshot({ path: path.join(shots, `${name}.png`) }); };

async function accessible(name, of = page) {
  await of.evaluate(axe);
  const { violations } = await of.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`), [], `axe-core on ${name}`);
}

async function step(name, work) {
  await work();
  await shot(name.replaceAll(/\W+/g, '-'));
  await accessible(name);
  console.log(`ok ${name}`);
}

const view = (name) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
const say = async (text) => { await page.getByLabel('What you say').fill(text); await page.keyboard.press('Enter'); };
const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();
let told, answered; // the message whose story is told, and the answer whose cause is
const script = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">';

try {
  await step('overview', async () => {
    await page.goto(page_ + '/');
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByRole('row', { name: /^messages core/ }).getByText('up to date').waitFor();
  });
  await step('an agent is made and started', async () => {
    await view('Agents');
    await page.getByRole('button', { name: 'New agent' }).click();
    await accessible('the dialog');
    await page.getByLabel('Character').fill('{"name":"Ada","bio":"Counts."}');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('switch', { name: 'Ada runs' }).click();
    await page.waitForFunction(async () => (await (await fetch('/api/agents')).json()).data.agents[0].status === 'active');
  });
  await step('a talk', async () => {
    await page.getByRole('button', { name: 'Talk' }).click();
    await say(script);
    await page.locator('.bubble', { hasText: script }).waitFor();
    await page.getByText('I hear you.', { exact: false }).first().waitFor();
    assert.notEqual(await page.title(), 'owned');
    assert.equal(await page.locator('main script, main img').count(), 0);
  });
  await step('events through a cut of five seconds', async () => {
    await view('Events');
    await page.locator('.entry', { hasText: 'TurnCompleted' }).first().waitFor();
    shut = true;
    for (const socket of open) socket.destroy();
    await page.getByText('cut off, trying again').waitFor();
    const made = [];
    for (let i = 0; i < 20; i++) made.push((await call('POST', '/api/messaging/central-channels', { name: `during-${i}`, server_id: '0', type: 'GROUP', participantCentralUserIds: [] })).name);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    shut = false;
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByLabel('Text').fill('during-');
    await page.locator('.entry', { hasText: 'during-19' }).waitFor();
    const seen = (await page.locator('.entry .gist').allTextContents()).reverse();
    assert.deepEqual(seen, made, 'what happened during the cut: each once and in order');
  });
  await step('the stream is paused and goes on', async () => {
    await page.getByLabel('Text').fill('');
    await page.getByRole('button', { name: 'Pause' }).click();
    const before = await page.locator('.entry').count();
    await call('POST', '/api/messaging/central-channels', { name: 'while paused', server_id: '0', type: 'GROUP', participantCentralUserIds: [] });
    await page.waitForTimeout(500);
    assert.equal(await page.locator('.entry').count(), before);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator('.entry', { hasText: 'while paused' }).waitFor();
  });
  await step('an event is looked at', async () => {
    await page.getByLabel('Type').fill('MessageSubmitted');
    await page.locator('.entry', { hasText: 'I hear you.' }).first().click();
    await page.getByRole('region', { name: 'The chosen event' }).getByText('agent_response').waitFor();
  });
  await step('what the request caused', async () => {
    await page.getByRole('link', { name: 'all that the request caused' }).click();
    await heading('What the request caused');
    await page.getByRole('main').getByText('TurnCompleted').first().waitFor();
  });
  await step('why an answer was given', async () => {
    await page.goBack();
    await view('Chat');
    await page.getByRole('navigation', { name: 'Channels' }).getByText('Trying Ada').click();
    await page.getByRole('link', { name: 'why' }).first().click();
    await heading('Why this answer');
    answered = page.url().split('/').at(-1);
    await page.getByRole('main').getByText('Counts.').first().waitFor();
  });
  await step('the story of a message', async () => {
    await page.goBack();
    const link = page.locator('.bubble', { hasText: script }).getByRole('link', { name: 'story' });
    told = (await link.getAttribute('href')).split('/').at(-1);
    for (const content of [`${script} in other words`, 'in still others']) await call('PATCH', `/api/messaging/messages/${told}`, { content });
    await page.goto(`${page_}/#/story/messages/${told}`);
    await heading(/^The story of/);
    const then = page.getByRole('region', { name: /^As it was/ });
    await then.getByText('in still others').waitFor();
    await page.getByRole('slider').focus();
    await page.keyboard.press('Home');
    await page.getByRole('region', { name: 'As it was after MessageSubmitted' }).waitFor();
    assert.equal(await then.getByText('words').count(), 0);
    await page.getByRole('button', { name: 'The fact after' }).click();
    await page.getByText('Fact 2 of 3: MessageEdited').waitFor();
    await then.getByText('in other words').waitFor();
  });
  await step('a parked event is retried', async () => {
    model.refuses = true;
    await page.goto(page_ + '/#/agents');
    await page.getByRole('button', { name: 'Talk' }).click();
    await say('You will refuse.');
    await page.locator('.bubble', { hasText: 'You will refuse.' }).waitFor();
    await page.getByText('No answer: failed').getByRole('link', { name: 'why' }).click();
    await heading('Why there is no answer');
    await page.getByRole('cell', { name: 'failed' }).waitFor();
    await view('Parked');
    const entry = page.getByRole('row').filter({ hasText: 'MessageSubmitted' });
    for (let i = 0; i < 120 && await entry.count() === 0; i++) {
      await page.waitForTimeout(500);
      await page.getByRole('button', { name: 'Look again' }).click();
    }
    await shot('parked');
    model.refuses = false;
    await entry.first().getByRole('button', { name: 'Retry' }).click();
    await view('Chat');
    await page.getByRole('navigation', { name: 'Channels' }).getByText('Trying Ada').click();
    await page.locator('.bubble', { hasText: 'You will refuse.' }).waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.bubble')].at(-1).textContent.includes('I hear you.'));
  });
  await step('a memory is found', async () => {
    await view('Memory');
    await page.locator('select[name=mode]').selectOption('text');
    await page.locator('input[name=q]').fill('refuse');
    for (let i = 0; i < 60 && await page.locator('main li', { hasText: 'You will refuse.' }).count() === 0; i++) {
      await page.getByRole('button', { name: 'Search' }).click();
      await page.waitForTimeout(500);
    }
    await page.locator('main li', { hasText: 'You will refuse.' }).first().waitFor();
  });
  await step('the story of a memory', async () => {
    await page.locator('main li', { hasText: 'You will refuse.' }).first().getByRole('link', { name: 'story' }).click();
    await heading(/^The story of memory/);
    await page.getByRole('region', { name: /^As it was/ }).getByText('You will refuse.').first().waitFor();
  });
  await step('sessions, jobs and runs, live', async () => {
    await view('Work');
    const { agents: [{ id: agentId }] } = await call('GET', '/api/agents');
    const user = { agentId, userId: '11111111-1111-4111-8111-111111111111' };
    const session = await call('POST', '/api/messaging/sessions', user);
    await page.getByRole('region', { name: 'List of Sessions' }).getByText(session.sessionId.slice(0, 8)).waitFor();
    const job = await call('POST', '/api/messaging/jobs', { ...user, content: 'Do this.' });
    const jobs = page.getByRole('region', { name: 'List of Jobs' });
    await jobs.getByRole('row', { name: job.jobId.slice(0, 8) }).getByText('I hear you.').waitFor();
    await call('DELETE', `/api/messaging/sessions/${session.sessionId}`);
    await page.getByText('No session is open.').waitFor();
    await page.getByRole('region', { name: 'List of Runs' }).getByRole('link', { name: 'Events' }).first().click();
    await heading(/^Run /);
    await page.getByRole('heading', { name: 'MODEL_USED' }).first().waitFor();
  });
  await step('a rebuild is watched', async () => {
    await view('Overview');
    const row = page.getByRole('row', { name: /^messages core/ });
    const generation = () => row.getByRole('cell').nth(2).textContent();
    const before = Number(await generation());
    await promisify(execFile)(binary, ['rebuild', '--all'], { env: environment });
    await page.waitForFunction((was) => [...document.querySelectorAll('tr')].some((tr) => tr.textContent.startsWith('messagescore') && Number(tr.cells[3].textContent) > was), before);
    await row.getByText('up to date').waitFor();
  });
  await step('by keyboard', async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await heading('Events');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'The chosen event' }).getByRole('link').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.placeholder), 'MessageSubmitted');
  });
  for (const [name, options] of [['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true }]]) {
    const other = await newPage(options);
    for (const hash of ['', 'agents', 'chat', 'events', 'memory', 'work', 'parked', `story/messages/${told}`, `why/messages/${answered}`]) {
      await other.goto(`${page_}/#/${hash}`);
      await other.getByText('live', { exact: true }).waitFor();
      await other.waitForTimeout(300);
      await shot(`${name}-${hash.split('/')[0] || 'overview'}`, other);
      await accessible(`${name} ${hash}`, other);
      assert.ok(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${hash} is wider than its window`);
    }
    await other.close();
    console.log(`ok ${name}`);
  }
  assert.deepEqual(complaints, [], 'the console');
} catch (error) {
  await shot('failed');
  console.error(fs.readFileSync(path.join(work, 'log'), 'utf8').split('\n').slice(-30).join('\n'), complaints);
  throw error;
} finally {
  clearTimeout(impatience);
  await browser.close();
  door.close();
  for (const socket of open) socket.destroy();
  server.kill('SIGTERM');
  await stopped;
  endpoint.close();
  fs.rmSync(work, { recursive: true, force: true });
}
console.log('the dashboard held');
