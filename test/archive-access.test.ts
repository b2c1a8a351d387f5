import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { afterAll, describe, expect, it } from 'vitest';
import { folderArchive } from '../src/platform/archive-store.ts';
import { SCOPES, type Scope } from '../src/platform/context.ts';
import { appendPredictions } from '../src/prediction/append.ts';
import { selectArchiveFiles } from '../src/prediction/archive-index.ts';
import { weekOf } from '../src/prediction/partitions.ts';
import { modelVersionByDigest } from '../src/registry/model-version.ts';
import { archivePartition } from '../src/retention/archive-partition.ts';
import { field } from './feature-fixture.ts';
import { askEveryWay, makeKey, startClosed } from './setup/closed.ts';
import { openTestDatabase } from './setup/database.ts';
import { openServing, rawLines, type Serving } from './setup/ingest.ts';
import { leaks, SECRETS, waysTo } from './setup/sensitive-ways.ts';
import { someSigner } from './setup/signer.ts';

const folder = await mkdtemp(join(tmpdir(), 'hindcast-archive-access-'));
const archive = folderArchive(folder);
const database = await openTestDatabase();
const signer = someSigner();
const READER: readonly Scope[] = ['predictions:read', 'registry:read'];
const keyOf = async (
  scopes: readonly Scope[],
  name: string,
  models: readonly string[] | null = null,
) => (await makeKey(database, scopes, { name, models })).text;

const open = async (): Promise<Serving & { readonly model: string }> => {
  const serving = await openServing(
    { database },
    [field('distance', 'FP64'), { ...field('email', 'STRING'), isSensitive: true }],
    { distance: 1, email: SECRETS[0], extra: SECRETS[3] },
  );
  const version = await modelVersionByDigest(database).load(serving.version.digest);
  return { ...serving, model: version?.model.name ?? '' };
};
const own = await open();
const other = await open();
const occurredAt = '2026-04-03T14:03:27.123456Z';
const more = { occurredAt, entityKey: SECRETS[1], output: { text: SECRETS[2] }, label: 'LATE' };
const keep = { undeclaredFeatures: 'keep' } as const;
for (const line of [
  own.line('case', { ...more, score: 0.5 }),
  own.line('case', { ...more, score: 0.6 }),
  own.line('near', { ...more, label: 'ON_TIME', score: 0.5 }),
  other.line('foreign', more),
]) {
  await appendPredictions(database, rawLines([line]), keep);
}
const week = weekOf(Date.parse(occurredAt) * 1000);
await archivePartition(database, archive, week, { actor: 'tester', reason: 'tested' });

const reader = await keyOf(READER, 'reader');
const investigator = await keyOf([...READER, 'features:sensitive'], 'investigator');
const admin = await keyOf(['admin'], 'admin');
const restricted = await keyOf(SCOPES, 'restricted', [own.model]);
const server = await startClosed(database, {}, { archive, signer });
const strict = await startClosed(database, { needReason: true }, { archive, signer });
afterAll(async () => {
  await server.close();
  await strict.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const DAY = { from: '2026-04-03T00:00:00Z', to: '2026-04-04T00:00:00Z' };
const { prediction, redacted, refused } = waysTo(own, 'case', DAY);

const ask = async (credential: string, query: string, on = server) => {
  const { data, errors = [] } = await askEveryWay(on, credential, query);
  return {
    data,
    messages: errors.map(({ message }) => message),
    codes: errors.map(({ extensions }) => (extensions as { code?: string }).code),
  };
};

/** Looked for in the log alone, or computed from what is not there. */
const ALIKE: readonly string[] = [
  'unusual features',
  'replay',
  'counterexamples',
  'refused records',
  'cohorts',
];

describe('an archived prediction', () => {
  it('is what these tests are about', async () => {
    const { data } = await ask(reader, prediction('source'));
    expect(data).toEqual({ predictionLog: { source: 'ARCHIVE' } });
  });

  it.each(Object.keys(redacted))('without features:sensitive hides %s', async (name) => {
    const { data, messages } = await ask(reader, redacted[name] ?? '');
    expect(messages).toEqual([]);
    expect(leaks(data)).toEqual([]);
    if (ALIKE.includes(name)) return;
    const seen = await ask(investigator, redacted[name] ?? '');
    expect(seen.messages).toEqual([]);
    expect(JSON.stringify(seen.data)).not.toBe(JSON.stringify(data));
  });

  it.each(Object.keys(refused))('without features:sensitive refuses %s', async (name) => {
    const { data, messages } = await ask(reader, refused[name] ?? '');
    expect(messages.join()).toMatch(/features:sensitive/);
    expect(leaks([data, messages])).toEqual([]);
  });

  it.each([
    prediction('entityKey'),
    prediction('output'),
    prediction('features { text }'),
    prediction('conflicts { record }'),
    redacted['a trace'] ?? '',
    redacted['the events of a request'] ?? '',
    refused['who an entity is'] ?? '',
    refused['a dossier'] ?? '',
  ])('needs a reason where one is needed, and is recorded when it was seen: %s', async (query) => {
    const without = await ask(investigator, query, strict);
    expect(without.codes[0]).toBe('REASON_REQUIRED');
    expect(leaks(without.data ?? null)).toEqual([]);
    const reads = async () => {
      const { data } = await ask(
        admin,
        '{ sensitiveReads(first: 1) { nodes { actor kinds subjects requestId } } }',
      );
      return (data as { sensitiveReads: { nodes: readonly { subjects: readonly string[] }[] } })
        .sensitiveReads.nodes[0];
    };
    const before = await reads();
    const { messages } = await ask(investigator, query);
    expect(messages).toEqual([]);
    const after = await reads();
    expect(after).not.toEqual(before);
    expect(after).toMatchObject({ actor: 'investigator' });
    expect(after?.subjects.some((subject) => /^(case|near|sha256:.*)$/.test(subject))).toBe(true);
  });
});

describe('a caller that is restricted to models', () => {
  const by = ({ endpoint }: Serving, requestId: string) =>
    `{ request: { endpoint: { name: "${endpoint.name}", environment: "${endpoint.environment}" }, requestId: "${requestId}" } }`;
  const look = (serving: Serving, requestId: string) => `{
    predictionLog(by: ${by(serving, requestId)}) { id source entityKey modelVersion { model { name } } }
    trace(prediction: ${by(serving, requestId)}) { verdict prediction { output } }
  }`;

  it('sees archived predictions of these, and of others as if there were none', async () => {
    const mine = await ask(restricted, look(own, 'case'));
    expect(mine.messages).toEqual([]);
    expect(mine.data).toMatchObject({
      predictionLog: { source: 'ARCHIVE', modelVersion: { model: { name: own.model } } },
      trace: { prediction: { output: { text: SECRETS[2] } } },
    });
    expect(await ask(restricted, look(other, 'foreign'))).toEqual({
      data: { predictionLog: null, trace: null },
      messages: [],
      codes: [],
    });
    const { data } = await ask(investigator, look(other, 'foreign'));
    const { id } = (data as { predictionLog: { id: string } }).predictionLog;
    const nodes = await ask(
      restricted,
      `{ node(id: "${id}") { id } nodes(ids: ["${id}"]) { id } }`,
    );
    expect(nodes).toEqual({ data: { node: null, nodes: [null] }, messages: [], codes: [] });
  });

  it('is not told how many predictions of others an archived week holds', async () => {
    const gaps = `{ predictionLogs(filter: { occurredAt: { from: "${DAY.from}", to: "${DAY.to}" } }) {
      nodes { requestId } gaps { message } } }`;
    const told = async (credential: string) => JSON.stringify((await ask(credential, gaps)).data);
    expect(await told(reader)).toContain('with 3 predictions in all, is archived');
    expect(await told(restricted)).toMatch(
      /One week between \S+ and \S+ is archived and not searched/,
    );
  });

  it.each([
    'trace { findings { subject { id } } }',
    'replay { verdict }',
    'counterexamples(during: {}) { comparedCount }',
  ])('is refused what leads elsewhere from there: %s', async (selection) => {
    const { messages, data } = await ask(restricted, prediction(selection));
    expect(messages).toEqual([expect.stringMatching(/ is not for callers that are restricted/)]);
    expect(leaks(data ?? null)).toEqual([]);
  });

  it.each(['dossier', 'request', 'impact'])('is refused a %s', async (what) => {
    const query = {
      dossier: refused['a dossier'],
      request: redacted['the events of a request'],
      impact: `{ impact(of: { id: "${encodeGlobalID('ModelVersion', own.version.digest)}" }) { predictionCount } }`,
    }[what];
    const { messages } = await ask(restricted, query ?? '');
    expect(messages).toEqual([expect.stringMatching(/ is not for callers that are restricted/)]);
  });
});

it('says to nobody in which files the predictions of others are', async () => {
  const files = await selectArchiveFiles(database, 'TRUE');
  const { data } = await ask(restricted, prediction('archiveFile { digest }'));
  const own = (data as { predictionLog: { archiveFile: { digest: string } } }).predictionLog;
  const foreign = files.map(({ digest }) => digest).filter((one) => one !== own.archiveFile.digest);
  expect(foreign).toHaveLength(1);
  expect(JSON.stringify(data)).not.toContain(foreign[0]);
});
