// How well memory search finds: the questions of ../shared/memory on a server of its own, with floors below which it may not fall.
// usage: node recall.mjs BINARY RECALL.MJS FOLDER
import { execFileSync } from 'node:child_process';
import { start } from './server.mjs';

const [binary, recall, folder] = process.argv.slice(2);
const least = { recall: 0.64, mrr: 0.48, beside: -0.005 }; // of a hybrid search, and beside the better of its halves

const server = await start(binary, folder);
let said;
try {
  said = execFileSync(process.execPath, [recall, server.base], { encoding: 'utf8', timeout: 15 * 60_000 });
} finally {
  await server.kill();
}
console.log(said);
const found = {};
for (const [, mode, at10, mrr] of said.matchAll(/^(\w+) .*recall@10 ([\d.]+) .*MRR ([\d.]+)/gm)) found[mode] = { recall: Number(at10), mrr: Number(mrr) };
const { hybrid, text, semantic } = found;
const bad = [];
if (!(hybrid?.recall >= least.recall)) bad.push(`hybrid recall@10 is below ${least.recall}`);
if (!(hybrid?.mrr >= least.mrr)) bad.push(`hybrid MRR is below ${least.mrr}`);
if (!(hybrid?.recall >= Math.max(text?.recall, semantic?.recall) + least.beside)) bad.push('a hybrid search finds less than one of its halves');
if (bad.length) { console.error(bad.join('; ')); process.exit(1); }
