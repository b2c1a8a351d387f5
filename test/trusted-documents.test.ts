import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, validate } from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import './setup/probe.ts';
import { schema } from '../src/schema.ts';
import { readKnownDocuments } from '../src/server/known-documents.ts';
import {
  COMMAND_OPERATIONS_FOLDER,
  OPERATIONS_FOLDER,
  readOperations,
} from '../src/server/operations.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { LANES } from './setup/lanes.ts';

const OWN = 'query Own($value: BigInt!) { probeEcho(value: $value) }\n';
const CHANGE = 'mutation Own { probe }';
const UNKNOWN = '{ serverInfo { version } }';

const folder = await mkdtemp(join(tmpdir(), 'hindcast-documents-'));
afterAll(() => rm(folder, { recursive: true }));
await writeFile(join(folder, 'own.graphql'), OWN);
await writeFile(join(folder, 'change.graphql'), CHANGE);
const folders = [OPERATIONS_FOLDER, COMMAND_OPERATIONS_FOLDER, folder];

const open = async (areOnly: boolean) =>
  openTestHindcast(undefined, undefined, undefined, undefined, {
    documents: await readKnownDocuments(folders, areOnly),
  });
const trusting = await open(true);
const knowing = await open(false);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
const variables = { value: '9007199254740993' };
const echoed = [200, { data: { probeEcho: '9007199254740993' } }];

const refused = (status: number, code: string, message: unknown) => [
  status,
  { errors: [{ message, extensions: { code } }] },
];
const notTrusted = refused(
  403,
  'DOCUMENT_NOT_TRUSTED',
  'This server runs known documents only, and this is none of them; see `operations/` and HINDCAST_DOCUMENTS_FOLDER.',
);
const notFound = refused(
  404,
  'PERSISTED_QUERY_NOT_FOUND',
  `No document with the digest sha256:${sha256(UNKNOWN)} is known here.`,
);

describe.each(LANES)('down %s', (_, path) => {
  const post = async ({ fetch }: typeof trusting, body: object) => {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };

  describe.each([
    ['that runs only known documents', trusting],
    ['that runs any', knowing],
  ])('a server %s', (__, server) => {
    it('runs a document that it knows, by its text, by its SHA-256, or by both', async () => {
      for (const named of [
        { query: OWN },
        { documentId: `sha256:${sha256(OWN)}` },
        { documentId: sha256(OWN) },
        { extensions: persisted(sha256(OWN)) },
        { query: OWN, extensions: persisted(sha256(OWN)) },
        { query: OWN, documentId: `sha256:${sha256(OWN)}`, extensions: null },
      ]) {
        for (let round = 0; round < 4; round += 1) {
          expect(await post(server, { ...named, variables })).toEqual(echoed);
        }
      }
    });

    it('refuses a SHA-256 that is of no document, or of another', async () => {
      expect(await post(server, { documentId: `sha256:${sha256(UNKNOWN)}` })).toEqual(notFound);
      expect(await post(server, { extensions: persisted(sha256(UNKNOWN)) })).toEqual(notFound);
      expect(await post(server, { query: UNKNOWN, documentId: sha256(OWN) })).toEqual(
        refused(
          400,
          'BAD_REQUEST',
          `The document is not the one that it is said to be: its digest is sha256:${sha256(UNKNOWN)}.`,
        ),
      );
      for (const documentId of ['own', `md5:${sha256(OWN)}`, sha256(OWN).toUpperCase(), 7]) {
        expect(await post(server, { documentId, query: OWN, variables })).toEqual(
          refused(400, 'BAD_REQUEST', expect.stringMatching(/^`documentId` must be "sha256:"/)),
        );
      }
    });
  });

  it('a server that runs only known documents refuses every other, however small the difference', async () => {
    for (const query of [UNKNOWN, OWN.trim(), ` ${OWN}`, '{ __schema { types { name } } }', '{']) {
      expect(await post(trusting, { query, variables })).toEqual(notTrusted);
    }
    const both = { query: UNKNOWN, documentId: `sha256:${sha256(UNKNOWN)}` };
    expect(await post(trusting, both)).toEqual(notTrusted);
  });

  it('another runs what it does not know, also when its SHA-256 comes along', async () => {
    const answer = [200, { data: { serverInfo: { version: expect.any(String) } } }];
    expect(await post(knowing, { query: UNKNOWN })).toEqual(answer);
    const both = { query: UNKNOWN, extensions: persisted(sha256(UNKNOWN)) };
    expect(await post(knowing, both)).toEqual(answer);
  });
});

describe('by GET', () => {
  const get = async (parameters: Record<string, string>) => {
    const response = await trusting.fetch(`/graphql?${new URLSearchParams(parameters)}`, {
      headers: { accept: 'application/json' },
    });
    return [response.status, await response.json()];
  };

  it('a document is named in the same ways', async () => {
    const sent = { variables: JSON.stringify(variables) };
    expect(await get({ ...sent, documentId: `sha256:${sha256(OWN)}` })).toEqual(echoed);
    const extensions = JSON.stringify(persisted(sha256(OWN)));
    expect(await get({ ...sent, extensions })).toEqual(echoed);
    expect(await get({ query: UNKNOWN })).toEqual(notTrusted);
    expect(await get({ documentId: sha256(UNKNOWN) })).toEqual(notFound);
  });

  it('a mutation is refused, known or not', async () => {
    const [status] = await get({ documentId: `sha256:${sha256(CHANGE)}` });
    expect(status).toBe(405);
  });
});

it('a server that runs only known documents shows browsers nothing to ask with', async () => {
  const typeOf = async ({ fetch }: typeof trusting) =>
    (await fetch('/graphql', { headers: { accept: 'text/html' } })).headers.get('content-type');
  expect([await typeOf(trusting), await typeOf(knowing)]).toEqual([
    null,
    'text/html; charset=utf-8',
  ]);
});

it.each(await readOperations(COMMAND_OPERATIONS_FOLDER))(
  "the command line's $name is valid",
  ({ query }) => {
    expect(validate(schema, parse(query))).toEqual([]);
  },
);
