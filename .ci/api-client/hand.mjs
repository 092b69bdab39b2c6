// What the calls of the api-clients have in common.
import assert from 'node:assert/strict';

export const ann = '11111111-1111-4111-8111-111111111111', bob = '22222222-2222-4222-8222-222222222222', home = '00000000-0000-0000-0000-000000000000';
export const pixel = new Blob([Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')], { type: 'image/png' });

// until asks until there is an answer, for a minute.
export const until = async (what, ask) => {
  for (const end = Date.now() + 60_000; ;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited a minute for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};

// shows compares a picture that was uploaded with what its address gives.
export async function shows(base, uploaded, type) {
  assert.equal(uploaded.type, type);
  const picture = await fetch(base + uploaded.url);       // as a browser does: without the key
  assert.equal(picture.headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await picture.arrayBuffer()), Buffer.from(await pixel.arrayBuffer()));
}
