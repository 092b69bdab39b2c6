// Starts `annals serve` on a data folder of its own.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

// start returns the address of a server, and what ends it: kill as `kill -9` does, end as it is to be ended, with its PostgreSQL. stopped
// waits until it has ended by itself.
export async function start(binary, folder, environment = {}) {
  const log = path.join(folder, 'log');
  const env = { ...process.env, RATE_LIMIT: 'off', SERVER_PORT: '0', DATA_DIR: path.join(folder, 'data'), ...environment };
  const server = spawn(binary, ['serve'], { env, stdio: ['ignore', 'pipe', fs.openSync(log, 'a')] });
  const stopped = new Promise(resolve => server.on('exit', resolve));
  const base = await new Promise((resolve, reject) => {
    let said = '';
    server.stdout.on('data', part => {
      const found = /http:\/\/[^/\s]+/.exec(said += part);
      if (found) resolve(found[0]);
    });
    stopped.then(() => reject(new Error(`annals did not start: ${fs.readFileSync(log, 'utf8')}`)));
  });
  const by = signal => () => { server.kill(signal); return stopped; };
  return { base, stopped, kill: by('SIGKILL'), end: by('SIGTERM') };
}
