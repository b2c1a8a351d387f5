import { describe, expect, it } from 'vitest';
import {
  type Json,
  micros,
  openDemo,
  predictions,
  semversOf,
  variablesOf,
} from './setup/example.ts';

const { run } = await openDemo();

const HOUR = 3_600_000_000;

describe('belief and fact on the demo data', () => {
  it('served-at counts what the log shows around the instant, and sees the wrong schema', async () => {
    const { at, withinSeconds } = variablesOf('served-at') as { at: string; withinSeconds: number };
    const around = predictions
      .filter(({ occurredAt }) => Math.abs(micros(occurredAt) - micros(at)) <= withinSeconds * 1e6)
      .sort((a, b) => micros(a.occurredAt) - micros(b.occurredAt));
    expect(around.length).toBeGreaterThan(1);
    const { servedAt } = await run<{ servedAt: Json }>('served-at');
    expect(servedAt).toMatchObject({
      isConsistent: false,
      observed: [
        {
          modelVersion: { displayName: 'flight-delay@1.0.0' },
          featureSchema: { name: 'flight-delay-features', semver: '1.1.0' },
          predictionCount: around.length,
          unbelievedCount: 0,
          isExpectedSchema: false,
          firstAt: around[0]?.occurredAt,
          lastAt: around.at(-1)?.occurredAt,
        },
      ],
    });
    expect(new Set(around.map((line) => semversOf(line).version))).toEqual(new Set(['1.0.0']));
  });

  it('served-at agrees on an ordinary day, and cannot tell where nothing answered', async () => {
    const ordinary = await run<{ servedAt: Json }>('served-at', { at: '2001-05-02T18:00:00Z' });
    expect(ordinary.servedAt.isConsistent).toBe(true);
    const silent = await run<{ servedAt: Json }>('served-at', { at: '2001-01-15T12:00:00Z' });
    expect(silent.servedAt).toMatchObject({ isConsistent: null, observed: [], deployments: [] });
  });

  it('disagreements is the rolled-back time as a whole, and nothing else', async () => {
    const wrong = predictions
      .filter((line) => semversOf(line).version !== semversOf(line).schema)
      .sort((a, b) => micros(a.occurredAt) - micros(b.occurredAt));
    const silences = wrong
      .slice(1)
      .map((line, index) => micros(line.occurredAt) - micros(wrong[index]?.occurredAt));
    expect(Math.max(...silences)).toBeLessThan(24 * HOUR);
    const { endpoint } = await run<{ endpoint: { disagreements: Json } }>('disagreements');
    expect(endpoint.disagreements).toEqual({
      nodes: [
        {
          kind: 'SCHEMA_NOT_EXPECTED',
          modelVersion: { displayName: 'flight-delay@1.0.0' },
          featureSchema: { name: 'flight-delay-features', semver: '1.1.0' },
          firstAt: wrong[0]?.occurredAt,
          lastAt: wrong.at(-1)?.occurredAt,
          predictionCount: wrong.length,
          believed: [
            {
              role: 'PRIMARY',
              trafficShare: 1,
              startedAt: '2001-04-03T09:12:00.000Z',
              modelVersion: { displayName: 'flight-delay@1.0.0' },
            },
          ],
        },
      ],
      pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
    });
  });
});
