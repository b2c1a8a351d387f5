import { describe, expect, it } from 'vitest';
import {
  history,
  type Json,
  old,
  openDemo,
  recent,
  storyDeployments,
  variablesOf,
} from './setup/example.ts';

const { run } = await openDemo();

const { startedAt: window } = variablesOf('history').deployments as {
  startedAt: { from: string; to: string };
};

const iso = (text: string | null): string | null =>
  text === null ? null : new Date(text).toISOString();

const isIn = (text: unknown): boolean => String(text) >= window.from && String(text) < window.to;

describe('searches of histories and names on the demo data', () => {
  it('history lists what was decided in March and April, newest first', async () => {
    const answer = await run<{
      lifecycleTransitions: { nodes: Json[] };
      deployments: { nodes: Json[] };
    }>('history');
    const moves = (history.transitions as Json[]).filter(({ occurredAt }) => isIn(occurredAt));
    expect(moves.length).toBeGreaterThan(1);
    const registered = [old, recent].filter(({ registeredAt }) => isIn(registeredAt));
    const registrations = registered.map(({ semver, registeredAt }) => ({
      to: 'REGISTERED',
      occurredAt: iso(String(registeredAt)),
      modelVersion: { displayName: `flight-delay@${semver}` },
    }));
    expect(registrations).toHaveLength(1);
    // Versions were registered before anything else was recorded of them.
    expect(answer.lifecycleTransitions.nodes).toMatchObject([
      ...moves.toReversed().map(({ to, reason, actor, occurredAt, modelVersion }) => ({
        to,
        reason,
        actor,
        occurredAt: iso(String(occurredAt)),
        modelVersion: {
          displayName: `flight-delay@${(modelVersion as { release: Json }).release.semver}`,
        },
        corrects: null,
      })),
      ...registrations,
    ]);
    const begun = storyDeployments.filter(({ startedAt }) => isIn(startedAt));
    expect(begun.length).toBeGreaterThan(3);
    const byStart = (a: Json, b: Json) =>
      String(b.startedAt).localeCompare(String(a.startedAt)) ||
      String(a.role).localeCompare(String(b.role));
    expect([...answer.deployments.nodes].sort(byStart)).toMatchObject(
      begun
        .map(
          ({ semver, role, trafficShare, startedAt, endedAt, reason, actor }): Json => ({
            modelVersion: { displayName: `flight-delay@${semver}` },
            endpoint: { name: 'flight-delay', environment: 'production' },
            role,
            trafficShare,
            startedAt: iso(startedAt),
            endedAt: iso(endedAt),
            reason,
            actor,
          }),
        )
        .sort(byStart),
    );
  });

  it('find ranks what begins with the word first', async () => {
    const { findByName } = await run<{ findByName: { isTruncated: boolean; nodes: Json[] } }>(
      'find',
    );
    expect(findByName.isTruncated).toBe(false);
    expect(findByName.nodes.slice(0, 2)).toMatchObject([
      { kind: 'MODEL_VERSION', name: 'flight-delay@1.1.0', node: { __typename: 'ModelVersion' } },
      {
        kind: 'FEATURE_SCHEMA',
        name: 'flight-delay-features 1.1.0',
        node: { __typename: 'FeatureSchema' },
      },
    ]);
    for (const { name } of findByName.nodes) {
      expect(String(name)).toContain('delay');
      expect(String(name)).toContain('1.1');
    }
  });
});
