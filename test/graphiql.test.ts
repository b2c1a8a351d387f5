import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { folderStore } from '../src/platform/artifact-store.ts';
import './setup/probe.ts';
import { localActor } from '../src/platform/context.ts';
import { startServer } from '../src/server/http-server.ts';
import { createLog } from '../src/server/log.ts';
import { openTestDatabase } from './setup/hindcast.ts';

const folder = await mkdtemp(join(tmpdir(), 'hindcast-operations-'));
const ECHO = 'query Echo($value: BigInt!) {\n  probeEcho(value: $value)\n}\n';
const INFO = 'query Info {\n  serverInfo {\n    engine\n  }\n}\n';
await writeFile(join(folder, 'echo.graphql'), ECHO);
await writeFile(join(folder, 'echo.variables.json'), '{ "value": 9223372036854775807 }');
await writeFile(join(folder, 'info.graphql'), INFO);

const database = await openTestDatabase();
const server = await startServer({
  database,
  actor: localActor('tester'),
  artifacts: folderStore(folder),
  host: '127.0.0.1',
  port: 0,
  log: createLog('silent'),
  operationsFolder: folder,
});
afterAll(async () => {
  await server.close();
  await database.close();
  await rm(folder, { recursive: true });
});

const response = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
const page = await response.text();

const ask = (query: string) =>
  fetch(`${server.url}/graphql?${new URLSearchParams({ query })}`, {
    headers: { accept: 'application/json' },
  });

describe('GraphiQL', () => {
  it('is what a browser gets', () => {
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page).toContain('<title>Hindcast</title>');
  });

  it('has a tab for each operation, with its variables, behind one that welcomes', async () => {
    const tabs = [
      { query: ECHO, variables: '{ "value": 9223372036854775807 }' },
      { query: INFO, variables: null },
    ];
    const given = /"defaultTabs":(\[.*\])\}/.exec(page)?.[1] ?? 'null';
    const [welcome, ...others] = JSON.parse(given);
    expect(others).toEqual(tabs);
    expect(welcome.variables).toBeNull();
    expect(await (await ask(welcome.query)).json()).toEqual({
      data: { serverInfo: expect.anything() },
    });
  });

  it('may run its one script and load nothing from elsewhere', () => {
    const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(page) ?? [];
    const hash = createHash('sha256').update(script).digest('base64');
    expect(response.headers.get('content-security-policy')).toBe(
      `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; font-src data:; ` +
        "worker-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const markup = page.replace(script, '').replace(/<style>[\s\S]*?<\/style>/g, '');
    expect(markup.match(/(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
  });

  it('is not what a program gets', async () => {
    expect(await (await ask('{ __typename }')).json()).toEqual({ data: { __typename: 'Query' } });
  });
});
