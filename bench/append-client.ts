// Posts a file of lines in one stream, in a process of its own: writes the seconds that it took, or why not all was stored.
import { createReadStream } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const [, , url = '', file = '', rows = '0'] = process.argv;
const begin = performance.now();
const posted = request(`${url}/v1/predictions`, {
  method: 'POST',
  headers: { 'content-type': 'application/x-ndjson' },
});
const answered = new Promise<string>((resolve, reject) => {
  posted.once('response', (response) => text(response).then(resolve, reject));
  posted.once('error', reject);
});
await pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), posted);
const summary = (await answered).trim().split('\n').at(-1) ?? '';
const seconds = (performance.now() - begin) / 1000;
if (!summary.includes(`"stored":${rows},`)) throw new Error(`Not all were stored: ${summary}`);
process.stdout.write(String(seconds));
