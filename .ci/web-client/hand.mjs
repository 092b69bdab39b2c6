// What a visitor of the web client does with a page, and sees on it.
import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';

export const patience = 30_000;

export const until = async (what, holds) => {
  for (const end = Date.now() + patience; !await holds();) {
    assert.ok(Date.now() < end, `in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};
export const counted = (what, locator, n) => until(`${n} ${what}`, async () => await locator.count() === n);
const input = on => on.getByTestId('chat-input');
// What the visitor said stands on the right, once the server has taken it; what the agents said on the left, with a time.
export const mine = (on, text) => on.locator('.self-end').filter({ has: on.locator('p', { hasText: text }) });
const theirs = (on, by = '') => on.locator('.self-start').filter({ has: on.locator('p') }).filter({ hasText: /\d{1,2}:\d\d [AP]M/ }).filter({ hasText: by });
export const free = on => input(on).and(on.locator(':enabled')).waitFor();
export const says = async (on, text) => {
  await free(on);
  await input(on).fill(text);
  await on.getByTestId('send-button').click();
  await mine(on, text).waitFor();
};
export const answered = async (on, n, by) => {
  await counted(`answers of ${by ?? 'the agent'}`, theirs(on, by), n);
  await free(on);
};
export const shows = async (on, text) => {
  await mine(on, text).locator('img').waitFor();
  assert.equal(await mine(on, text).locator('img').evaluate(async img => { await img.decode(); return img.naturalWidth; }), 100);
};
export const confirmed = async page => {
  const sure = page.getByRole('alertdialog').or(page.getByRole('dialog'));
  await sure.getByRole('button', { name: /Clear|Delete|Confirm/ }).last().click();
};
export const name = on => on.locator('button:has(.lucide-clock)').innerText(); // of the chat

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

export const picture = { name: 'red.png', mimeType: 'image/png', buffer: red(100, 50) };
