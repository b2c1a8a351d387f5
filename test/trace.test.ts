import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { logRoutes } from '../src/server/log-routes.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import {
  append,
  deploy,
  field,
  line,
  moveTo,
  type RegisteredVersion,
  type Route,
  register,
  registration,
  served,
  sha256,
} from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);

const TRACE = `query ($prediction: PredictionLogReference!, $knownAt: DateTime) {
  trace(prediction: $prediction, knownAt: $knownAt) {
    verdict digest stageAtPrediction
    deployment { role }
    findings { code severity message subject { __typename id } }
    gaps { subject reason }
    features { name status text ageSeconds baseline { quantile isUnseen } expected { name } }
  }
}`;

interface Trace {
  readonly verdict: string;
  readonly digest: string;
  readonly stageAtPrediction: string | null;
  readonly deployment: { readonly role: string } | null;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
    readonly subject: { readonly __typename: string } | null;
  }[];
  readonly gaps: readonly { readonly subject: string; readonly reason: string }[];
  readonly features: readonly Record<string, unknown>[];
}

const traceOf = async (
  endpoint: Route,
  requestId: unknown,
  knownAt?: string,
): Promise<Trace | null> => {
  const { trace } = await hindcast.ask<{ trace: Trace | null }>(TRACE, {
    prediction: { request: { endpoint, requestId } },
    knownAt,
  });
  return trace;
};

/** Appends one line, which must be stored, and traces it. */
const traced = async (
  version: RegisteredVersion,
  endpoint: Route,
  features: Record<string, unknown>,
  more: Record<string, unknown> = {},
  query = '',
): Promise<Trace> => {
  const record = line(version, endpoint, features, more);
  const answer = await append(hindcast, [record], query);
  expect(answer.at(-1)).toMatchObject({ summary: { stored: 1, rejected: 0 } });
  const trace = await traceOf(endpoint, record.requestId);
  if (trace === null) throw new Error('not traced');
  return trace;
};

const codes = ({ findings }: Trace) => findings.map(({ code, severity }) => `${severity} ${code}`);
const messages = ({ findings }: Trace) => findings.map(({ message }) => message);

const release = ({ model, semver }: RegisteredVersion) => `${model.name}@${semver}`;
const schemaName = ({ featureSchema: { name, semver } }: RegisteredVersion) => `${name} ${semver}`;

const miles = { function: 'unit', version: '1', inputs: ['km'], parameters: { unit: 'mi' } };
const kilometres = { ...miles, parameters: { unit: 'km' } };

describe('a trace', () => {
  it('of a consistent prediction is verified and awaits its outcome', async () => {
    const { version, endpoint } = await served(hindcast, [field('a'), field('b')]);
    const trace = await traced(version, endpoint, { a: 20, b: 1000 });
    expect(trace).toMatchObject({
      verdict: 'VERIFIED',
      stageAtPrediction: 'PRODUCTION',
      deployment: { role: 'PRIMARY' },
      findings: [],
      gaps: [{ subject: 'outcome', reason: 'NEVER_RECORDED' }],
      features: [
        { name: 'a', status: 'PRESENT', text: '20', baseline: { quantile: 0.25, isUnseen: false } },
        { name: 'b', status: 'PRESENT', text: '1000', baseline: { quantile: 1, isUnseen: true } },
      ],
    });
  });

  it('is answered by one statement on a warm process', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    await traceOf(endpoint, record.requestId);
    const statements = await hindcast.statementsOf(() => traceOf(endpoint, record.requestId));
    expect(statements).toHaveLength(1);
  });

  it('has the same digest until an outcome is recorded', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    const first = await traceOf(endpoint, record.requestId);
    expect((await traceOf(endpoint, record.requestId))?.digest).toBe(first?.digest);
    await hindcast
      .fetch('/v1/outcomes', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: JSON.stringify({
          requestId: record.requestId,
          endpoint,
          observedAt: '2026-02-02T00:00:00Z',
          label: 'yes',
        }),
      })
      .then((response) => response.text());
    const second = await traceOf(endpoint, record.requestId);
    expect(second?.gaps).toEqual([]);
    expect(second?.digest).not.toBe(first?.digest);
  });

  it('is null for a record time before the prediction was recorded, and for nothing', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    expect(await traceOf(endpoint, record.requestId, '2026-03-01T00:00:00Z')).toBeNull();
    expect(await traceOf(endpoint, 'no-such-request')).toBeNull();
    expect(await traceOf({ name: 'none', environment: 'test' }, 'x')).toBeNull();
  });

  it('of a request answered twice asks which answer is meant', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record, { ...record, occurredAt: '2026-02-01T13:00:00Z' }]);
    const { errors } = await hindcast.respond(TRACE, {
      prediction: { request: { endpoint, requestId: record.requestId } },
    });
    expect(errors).toEqual([
      expect.objectContaining({
        message: `Request ${JSON.stringify(record.requestId)} was answered 2 times: 2026-02-01T12:00:00.123456Z, 2026-02-01T13:00:00.000Z. Give \`occurredAt\`, or ask for all of them with \`request(by:)\`.`,
        extensions: { code: 'AMBIGUOUS_REFERENCE' },
      }),
    ]);
  });
});

describe('findings', () => {
  it('FEATURE_SCHEMA_MISMATCH: the same names and types with another meaning', async () => {
    const { version, endpoint } = await served(hindcast, [
      field('distance', 'FP64', { transformations: [miles] }),
    ]);
    const other = await register(
      hindcast,
      registration([field('distance', 'FP64', { transformations: [kilometres] })]),
    );
    const trace = await traced(
      version,
      endpoint,
      { distance: 10 },
      { featureSchema: other.featureSchema.digest },
    );
    expect(codes(trace)).toEqual(['ERROR FEATURE_SCHEMA_MISMATCH']);
    expect(messages(trace)).toEqual([
      `The features were built with ${schemaName(other)}, but ${release(version)} was trained on ${schemaName(version)}. It differs in distance (unit "mi" → "km").`,
    ]);
    expect(trace.verdict).toBe('INCONSISTENT');
    expect(trace.findings[0]?.subject?.__typename).toBe('FeatureSchema');
    expect(trace.features).toMatchObject([{ name: 'distance', expected: { name: 'distance' } }]);
  });

  it('CONFLICTING_RECORDS: the same identity with other content', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    const answer = await append(hindcast, [{ ...record, score: 0.75 }]);
    expect(answer.at(-1)).toMatchObject({ summary: { stored: 0, conflicts: 1 } });
    const trace = await traceOf(endpoint, record.requestId);
    expect(trace && codes(trace)).toEqual(['ERROR CONFLICTING_RECORDS']);
    expect(trace?.findings[0]?.message).toMatch(
      /^another record with this identity and other content arrived \(\d{4}-.*Z\)\. The first is traced here; every copy is kept under `conflicts`\.$/,
    );
  });

  it('DEPLOYMENT_MISMATCH: a version that was not on record there', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const stranger = await register(hindcast, registration([field('a')]));
    await moveTo(hindcast, stranger, 'STAGING', '2026-01-01T01:00:00Z');
    const trace = await traced(stranger, endpoint, { a: 1 });
    expect(codes(trace)).toEqual(['ERROR DEPLOYMENT_MISMATCH']);
    expect(messages(trace)).toEqual([
      `${release(stranger)} answered on test/${endpoint.name} at 2026-02-01T12:00:00.123456Z, but was not on record as deployed there. On record: ${release(version)} as PRIMARY (100 %).`,
    ]);
    expect(trace.gaps.map(({ subject }) => subject)).toEqual(['deployment', 'outcome']);
  });

  it('STAGE_NOT_SERVABLE: a version archived before it answered', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    await moveTo(hindcast, version, 'ARCHIVED', '2026-01-20T00:00:00Z');
    const trace = await traced(version, endpoint, { a: 1 });
    expect(codes(trace)).toEqual(['ERROR STAGE_NOT_SERVABLE']);
    expect(messages(trace)).toEqual([
      `${release(version)} was in stage ARCHIVED at 2026-02-01T12:00:00.123456Z. Serving as PRIMARY needs PRODUCTION.`,
    ]);
  });

  it('STAGE_NOT_SERVABLE: a version that was not registered yet', async () => {
    const { endpoint } = await served(hindcast, [field('a')]);
    const late = await register(
      hindcast,
      registration([field('a')], { registeredAt: '2026-03-01T00:00:00Z' }),
    );
    const trace = await traced(late, endpoint, { a: 1 });
    expect(codes(trace)).toEqual(['ERROR DEPLOYMENT_MISMATCH', 'ERROR STAGE_NOT_SERVABLE']);
    expect(trace.stageAtPrediction).toBeNull();
    expect(trace.gaps.map(({ subject }) => subject)).toEqual([
      'deployment',
      'stageAtPrediction',
      'outcome',
    ]);
  });

  it('REVOKED_SINCE: a version revoked after it answered', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    await moveTo(hindcast, version, 'REVOKED', '2026-03-01T00:00:00Z');
    const trace = await traced(version, endpoint, { a: 1 });
    expect(trace.verdict).toBe('INCOMPLETE');
    expect(codes(trace)).toEqual(['WARNING REVOKED_SINCE']);
    expect(messages(trace)).toEqual([
      `${release(version)} has been revoked since at 2026-03-01T00:00:00.000Z by tester: Tested.`,
    ]);
  });

  it('FEATURE_MISSING, FEATURE_TYPE_MISMATCH and FEATURE_UNDECLARED: what was built is not what was expected', async () => {
    const { version, endpoint } = await served(hindcast, [
      field('required'),
      field('number'),
      field('kind', 'STRING', { categories: ['x'] }),
    ]);
    const other = await register(
      hindcast,
      registration([field('number', 'STRING'), field('kind', 'STRING'), field('extra')]),
    );
    const trace = await traced(
      version,
      endpoint,
      { number: '7', kind: 'y', extra: 1 },
      { featureSchema: other.featureSchema.digest },
    );
    expect(codes(trace)).toEqual([
      'ERROR FEATURE_SCHEMA_MISMATCH',
      'ERROR FEATURE_MISSING',
      'ERROR FEATURE_TYPE_MISMATCH',
      'WARNING FEATURE_UNDECLARED',
    ]);
    expect(messages(trace).slice(1)).toEqual([
      `${release(version)} requires required, and the record has no value for it.`,
      `Not as ${release(version)} declares: number is STRING instead of FP64 and kind is "y", not one of its categories.`,
      `The record holds extra, which ${release(version)} does not declare.`,
    ]);
  });

  it('FEATURE_UNDECLARED: a feature kept although no schema declares it', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const trace = await traced(
      version,
      endpoint,
      { a: 1, secret: 12345678901234567890n.toString() },
      {},
      '?undeclaredFeatures=keep',
    );
    expect(codes(trace)).toEqual(['WARNING FEATURE_UNDECLARED']);
    expect(trace.features.at(-1)).toMatchObject({
      name: 'secret',
      status: 'PRESENT',
      text: '"12345678901234567890"',
    });
  });

  it('FEATURE_STALE: a value older than declared', async () => {
    const { version, endpoint } = await served(hindcast, [
      field('a', 'FP64', { maxAgeSeconds: 60 }),
    ]);
    const trace = await traced(version, endpoint, {
      a: { value: 1, observedAt: '2026-02-01T11:58:00.123456Z' },
    });
    expect(codes(trace)).toEqual(['WARNING FEATURE_STALE']);
    expect(messages(trace)).toEqual([
      'Older than declared when the model answered: a (written 2026-02-01T11:58:00.123456Z, at most 60 s old allowed).',
    ]);
    expect(trace.features).toMatchObject([{ status: 'STALE', ageSeconds: 120 }]);
  });

  it('DIRTY_COMMIT: uncommitted changes in the training code', async () => {
    const oid = 'c'.repeat(40);
    const repository = `https://github.com/example/${unique('dirty')}`;
    const { version, endpoint } = await served(hindcast, [field('a')], {
      commit: { definition: { repository, oid, isDirty: true } },
    });
    const trace = await traced(version, endpoint, { a: 1 });
    expect(codes(trace)).toEqual(['WARNING DIRTY_COMMIT']);
    expect(messages(trace)).toEqual([
      `${release(version)} was trained from cccccccccccc with uncommitted changes, so that commit does not reproduce it.`,
    ]);
  });

  it('CLOCK_SKEW: an answer from the near future', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const trace = await traced(version, endpoint, { a: 1 }, { occurredAt: ahead });
    expect(codes(trace)).toEqual(['WARNING CLOCK_SKEW']);
    expect(messages(trace)[0]).toContain(`The record says ${ahead}, 3`);
  });

  it('DIGEST_MISMATCH: a row that somebody changed behind the log', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    await hindcast.database.query({
      text: 'UPDATE prediction_log SET score = 0.9 WHERE request_id = $1',
      values: [record.requestId],
    });
    const trace = await traceOf(endpoint, record.requestId);
    expect(trace && codes(trace)).toEqual(['ERROR DIGEST_MISMATCH']);
    expect(trace?.findings[0]?.message).toMatch(
      /^The stored prediction was altered after it was recorded: its digest was [0-9a-f]{64}, its content now gives [0-9a-f]{64}\.$/,
    );
  });
});

it('of a row whose values were taken out says that it was altered, and shows none', async () => {
  const { version, endpoint } = await served(hindcast, [field('a')]);
  const record = line(version, endpoint, { a: 1 });
  await append(hindcast, [record]);
  await hindcast.database.query({
    text: "UPDATE prediction_log SET numbers = '{}' WHERE request_id = $1",
    values: [record.requestId],
  });
  const trace = await traceOf(endpoint, record.requestId);
  expect(trace && codes(trace)).toEqual(['ERROR DIGEST_MISMATCH', 'ERROR FEATURE_MISSING']);
  expect(trace?.features).toEqual([]);
});

describe('gaps', () => {
  it('name what the version was registered without, and what the record does not say', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')], {
      datasets: [],
      artifacts: [],
    });
    const trace = await traced(version, endpoint, { a: 1 }, { score: undefined });
    expect(trace.verdict).toBe('INCOMPLETE');
    expect(trace.gaps).toEqual(
      ['datasets', 'features.baseline', 'artifacts', 'output', 'outcome'].map((subject) => ({
        subject,
        reason: 'NEVER_RECORDED',
      })),
    );
  });

  it('name a refused record of the same request', async () => {
    const { version, endpoint } = await served(hindcast, [field('a')]);
    const record = line(version, endpoint, { a: 1 });
    const refused = { ...record, item: 1, modelVersion: sha256('unknown') };
    const answer = await append(hindcast, [record, refused]);
    expect(answer.at(-1)).toMatchObject({ summary: { stored: 1, rejected: 1 } });
    const trace = await traceOf(endpoint, record.requestId);
    expect(trace?.gaps).toEqual([
      { subject: 'request', reason: 'REJECTED' },
      { subject: 'outcome', reason: 'NEVER_RECORDED' },
    ]);
  });
});

describe('known at an earlier time', () => {
  it('a deployment recorded late is not used', async () => {
    const version = await register(hindcast, registration([field('a')]));
    await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    const other = await served(hindcast, [field('a')]);
    const endpoint = { name: unique('endpoint'), environment: 'test' };
    await deploy(hindcast, other.version, endpoint, { role: 'SHADOW' });
    const record = line(version, endpoint, { a: 1 });
    await append(hindcast, [record]);
    const before = new Date(Date.now() + 5).toISOString();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await deploy(hindcast, version, endpoint);
    const then = await traceOf(endpoint, record.requestId, before);
    const now = await traceOf(endpoint, record.requestId);
    expect(then && codes(then)).toEqual(['ERROR DEPLOYMENT_MISMATCH']);
    expect(now && codes(now)).toEqual([]);
  });
});
