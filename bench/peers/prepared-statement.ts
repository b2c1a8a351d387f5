// The limit of asking the database for it all: a plain server that sends one prepared statement a trace, and passes on
// the JSON text that comes back.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { PROJECT } from '../flights.ts';

const text = readFileSync(`${PROJECT}bench/peers/trace.sql`, 'utf8');
const pool = new pg.Pool({
  connectionString: process.argv[2],
  max: 10,
  options: '-c TimeZone=UTC',
});

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', async () => {
    const { requestId } = JSON.parse(body) as { requestId: string };
    const values = [requestId, 'flight-delay', 'production'];
    const { rows } = await pool.query<{ trace: string }>({ name: 'trace', text, values });
    const answer = rows[0]?.trace ?? 'null';
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
