// Shows, in the unmodified web client of ElizaOS, that the first message of a fresh chat is shown and answered, also on a busy machine.
//
//   node fresh-chats.mjs BASE FOLDER-OF-PLAYWRIGHT CHATS BUSY-LOOPS
//
// The server has no key. Each chat is that of a new agent, in a new browser context.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answered, counted, says } from './web-client/hand.mjs';

const [base, modules, chats, loops] = process.argv.slice(2);
const { chromium } = (await import(pathToFileURL(join(modules, 'index.js')))).default;
const post = async (path, body) => (await (await fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json()).data;

const busy = Array.from({ length: Number(loops) }, () => spawn(process.execPath, ['-e', 'for (;;);']));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const failed = [];
try {
  for (let n = 1; n <= Number(chats); n++) {
    const agent = `Fresh ${n}`;
    const { id } = await post('/api/agents', { characterJson: { name: agent, bio: ['Listens.'], plugins: [] } });
    await post(`/api/agents/${id}/start`, {});
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    context.setDefaultTimeout(60_000);
    await context.addInitScript(() => localStorage.setItem('eliza-onboarding-completed', 'true'));
    const page = await context.newPage();
    const frames = []; // what went over Socket.IO, to tell a failure by
    const note = (way, what) => frames.push(`${Date.now() % 100_000} ${way} ${String(what ?? '').slice(0, 200)}`);
    const polling = r => r.url().includes('/socket.io/');
    page.on('requestfailed', r => { if (polling(r)) note('!', `${r.failure()?.errorText} ${r.method()} ${r.url()}`); });
    page.on('response', r => { if (polling(r)) note('<', `${r.status()} ${r.request().method()} ${r.url()}`); });
    page.on('console', m => { if (/SocketIO|useSocketChat/.test(m.text())) note('=', m.text()); });
    page.on('framenavigated', frame => note('=', frame.url()));
    page.on('websocket', socket => {
      note('=', 'a WebSocket');
      socket.on('framesent', ({ payload }) => note('>', payload));
      socket.on('framereceived', ({ payload }) => note('<', payload));
      socket.on('close', () => note('=', 'the WebSocket is closed'));
    });
    try {
      await page.goto(`${base}/chat/${id}`);
      await says(page, 'I feel at home here.');
      await answered(page, 1);
      await counted('said', page.locator('.markdown-content'), 2);
    } catch (error) {
      failed.push(n);
      console.log(`chat ${n}: ${error.message.split('\n')[0]}\n${frames.join('\n')}`);
    }
    await context.close();
    await fetch(`${base}/api/agents/${id}`, { method: 'DELETE' });
  }
} finally {
  await browser.close();
  for (const loop of busy) loop.kill();
}
console.log(`${chats - failed.length} of ${chats} first messages were shown and answered beside ${loops} busy loops`);
process.exit(failed.length ? 1 : 0);
