import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  brokenLinks,
  checkTransition,
  effectiveFacts,
  type LifecycleFact,
  type LifecycleStage,
  lifecycleDigest,
  stageAt,
  TRANSITIONS,
} from '../src/registry/lifecycle.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import {
  field,
  moveTo,
  type RegisteredVersion,
  register,
  registration,
} from './setup/registration.ts';

const STAGES = Object.keys(TRANSITIONS) as LifecycleStage[];

describe('the transition table', () => {
  it.each([
    ['REGISTERED', ['STAGING', 'ARCHIVED', 'REVOKED']],
    ['STAGING', ['REGISTERED', 'PRODUCTION', 'ARCHIVED', 'REVOKED']],
    ['PRODUCTION', ['STAGING', 'ARCHIVED', 'REVOKED']],
    ['ARCHIVED', ['STAGING', 'REVOKED']],
    ['REVOKED', []],
  ] as const)('lets %s go to %j', (from, to) => {
    expect(TRANSITIONS[from]).toEqual(to);
  });
});

const VERSION = `sha256:${'0'.repeat(64)}`;

/** A history in which every fact was accepted by the rule, made from arbitrary proposals. */
const histories = fc
  .array(
    fc.record({
      to: fc.constantFrom(...STAGES),
      occurredAt: fc.integer({ min: 1, max: 50 }),
      corrects: fc.option(fc.nat({ max: 8 }), { nil: null }),
    }),
    { maxLength: 12 },
  )
  .map((proposals) => {
    const facts: LifecycleFact[] = [];
    const append = (
      fact: Pick<LifecycleFact, 'from' | 'to' | 'occurredAt' | 'correctsSequence'>,
    ) => {
      const content = {
        ...fact,
        sequence: facts.length + 1,
        reason: 'because',
        actor: 'somebody',
        recordedAt: 100 + facts.length,
        previousDigest: facts.at(-1)?.digest ?? null,
      };
      facts.push({ ...content, digest: lifecycleDigest(VERSION, content) });
    };
    append({ from: null, to: 'REGISTERED', occurredAt: 0, correctsSequence: null });
    for (const { to, occurredAt, corrects } of proposals) {
      const open = effectiveFacts(facts).map(({ sequence }) => sequence);
      const correctsSequence =
        corrects === null ? null : (open.filter((one) => one > 1)[corrects] ?? null);
      const from = checkTransition(facts, { to, occurredAt, correctsSequence });
      if (from === null || typeof from === 'string')
        append({ from, to, occurredAt, correctsSequence });
    }
    return facts;
  });

describe('a history', () => {
  it('is legal at every step, whatever was proposed', () => {
    fc.assert(
      fc.property(histories, (facts) => {
        const effective = effectiveFacts(facts);
        expect(effective[0]?.to).toBe('REGISTERED');
        effective.slice(1).forEach(({ to }, index) => {
          expect(TRANSITIONS[effective[index]?.to ?? 'REVOKED']).toContain(to);
        });
      }),
    );
  });

  it('gives the stage of the last fact in force, as known at any record time', () => {
    fc.assert(
      fc.property(
        histories,
        fc.integer({ min: -1, max: 51 }),
        fc.integer({ min: 99, max: 115 }),
        (facts, at, knownAt) => {
          // The same question, answered fact by fact.
          let expected: LifecycleStage | null = null;
          let latest = Number.NEGATIVE_INFINITY;
          for (const fact of facts) {
            const isCorrected = facts.some(
              (other) => other.recordedAt <= knownAt && other.correctsSequence === fact.sequence,
            );
            if (fact.recordedAt > knownAt || isCorrected || fact.occurredAt > at) continue;
            if (fact.occurredAt >= latest) {
              latest = fact.occurredAt;
              expected = fact.to;
            }
          }
          expect(stageAt(facts, at, knownAt)).toBe(expected);
        },
      ),
    );
  });

  it('shows an altered, a removed and an inserted fact', () => {
    fc.assert(
      fc.property(
        histories.filter((facts) => facts.length > 2),
        (facts) => {
          expect(brokenLinks(VERSION, facts)).toEqual([]);
          const altered = facts.map((fact, index) =>
            index === 1 ? { ...fact, reason: 'x' } : fact,
          );
          expect(brokenLinks(VERSION, altered)).toEqual([2]);
          expect(
            brokenLinks(
              VERSION,
              facts.filter(({ sequence }) => sequence !== 2),
            ),
          ).toContain(3);
          expect(brokenLinks(VERSION, [...facts.slice(0, 1), ...facts])).not.toEqual([]);
        },
      ),
    );
  });
});

const hindcast = await openTestHindcast();

const TRANSITION = `mutation ($input: TransitionModelVersionInput!) {
  transitionModelVersion(input: $input) {
    __typename
    ... on TransitionModelVersionPayload {
      transition { sequence from to reason actor corrects occurredAt digest previousDigest }
    }
    ... on UserError { message path }
    ... on TransitionNotAllowedError { currentStage allowedTransitions }
  }
}`;

const transition = async (version: RegisteredVersion, input: Record<string, unknown>) => {
  const answer = await hindcast.ask<{ transitionModelVersion: Record<string, unknown> }>(
    TRANSITION,
    {
      input: { modelVersion: { id: version.id }, reason: 'Tested.', ...input },
    },
  );
  return answer.transitionModelVersion;
};

const HISTORY = `query ($by: ModelVersionReference!, $at: DateTime!, $knownAt: DateTime) {
  modelVersion(by: $by) {
    stage allowedTransitions brokenTransitions stageAt(at: $at, knownAt: $knownAt)
    transitions(first: 50) { nodes { sequence from to corrects digest previousDigest recordedAt } }
    effective: transitions(first: 50, effective: true) { nodes { sequence to } }
  }
}`;

interface History {
  readonly stage: string;
  readonly allowedTransitions: readonly string[];
  readonly brokenTransitions: readonly number[];
  readonly stageAt: string | null;
  readonly transitions: { readonly nodes: readonly Record<string, unknown>[] };
  readonly effective: { readonly nodes: readonly Record<string, unknown>[] };
}

const history = async ({ digest }: RegisteredVersion, at: string, knownAt?: string) => {
  const { modelVersion } = await hindcast.ask<{ modelVersion: History }>(HISTORY, {
    by: { digest },
    at,
    knownAt,
  });
  return modelVersion;
};

const registered = () => register(hindcast, registration([field('a')]));

describe('a correction', () => {
  it('is refused when it brings together what may not follow each other', () => {
    const facts = (['REGISTERED', 'STAGING', 'REGISTERED'] as const).map((to, index) => ({
      sequence: index + 1,
      from: null,
      to,
      reason: '',
      actor: '',
      occurredAt: index * 10,
      recordedAt: 100 + index,
      correctsSequence: null,
      digest: '',
      previousDigest: null,
    }));
    expect(checkTransition(facts, { to: 'STAGING', occurredAt: 40, correctsSequence: 2 })).toEqual({
      currentStage: 'REGISTERED',
      message:
        'A version cannot go from REGISTERED to REGISTERED (at 1970-01-01T00:00:00.000020Z). From REGISTERED it may go to STAGING, ARCHIVED, REVOKED. That change is on record already; correct it first.',
    });
  });
});

describe('transitionModelVersion', () => {
  it('appends to the chain with actor and reason', async () => {
    const version = await registered();
    const moved = await transition(version, { to: 'STAGING', occurredAt: '2026-01-05T00:00:00Z' });
    const { transitions } = await history(version, '2026-01-05T00:00:00Z');
    expect(moved).toEqual({
      __typename: 'TransitionModelVersionPayload',
      transition: {
        sequence: 2,
        from: 'REGISTERED',
        to: 'STAGING',
        reason: 'Tested.',
        actor: 'tester',
        corrects: null,
        occurredAt: '2026-01-05T00:00:00.000Z',
        digest: transitions.nodes[1]?.digest,
        previousDigest: transitions.nodes[0]?.digest,
      },
    });
  });

  it('refuses what the table does not allow, and writes nothing', async () => {
    const version = await registered();
    expect(
      await transition(version, { to: 'PRODUCTION', occurredAt: '2026-01-05T00:00:00Z' }),
    ).toEqual({
      __typename: 'TransitionNotAllowedError',
      message:
        'A version cannot go from REGISTERED to PRODUCTION (at 2026-01-05T00:00:00.000Z). From REGISTERED it may go to STAGING, ARCHIVED, REVOKED.',
      path: ['input', 'to'],
      currentStage: 'REGISTERED',
      allowedTransitions: ['STAGING', 'ARCHIVED', 'REVOKED'],
    });
    expect((await history(version, '2026-01-05T00:00:00Z')).transitions.nodes).toHaveLength(1);
  });

  it('is optimistic: it fails when the version is not in the expected stage', async () => {
    const version = await registered();
    await moveTo(hindcast, version, 'STAGING', '2026-01-05T00:00:00Z');
    expect(await transition(version, { to: 'ARCHIVED', expectedFrom: 'REGISTERED' })).toMatchObject(
      {
        __typename: 'TransitionNotAllowedError',
        message:
          'The version is in STAGING, not in the expected REGISTERED. Look at its history, and decide again.',
      },
    );
  });

  it.each([
    [{ to: 'STAGING', reason: ' ' }, 'reason is empty; say why.', ['input', 'reason']],
    [
      { to: 'STAGING', occurredAt: '2099-01-01T00:00:00Z' },
      'occurredAt is 2099-01-01T00:00:00.000Z, more than 5 minutes ahead; record a change when it has happened.',
      ['input', 'occurredAt'],
    ],
    [
      { to: 'STAGING', corrects: 7 },
      'The version has no transition 7; its history goes from 1 to 1.',
      ['input', 'corrects'],
    ],
  ])('refuses %j', async (input, message, path) => {
    const version = await registered();
    expect(await transition(version, input)).toEqual({
      __typename: 'InvalidInputError',
      message,
      path,
    });
  });

  it('refuses a change before the version was registered, and an unknown version', async () => {
    const version = await registered();
    expect(
      await transition(version, { to: 'STAGING', occurredAt: '2025-12-31T00:00:00Z' }),
    ).toMatchObject({
      message:
        'The version was registered at 2026-01-01T00:00:00.000Z; a change of stage cannot take effect before that.',
    });
    const unknown = { release: { model: 'nobody', semver: '1.0.0' } };
    expect(await transition(version, { modelVersion: unknown, to: 'STAGING' })).toEqual({
      __typename: 'NotFoundError',
      message: 'No such model version is on record; register it first.',
      path: ['input', 'modelVersion'],
    });
  });

  it('accepts a late fact where it fits, and names the later one it would contradict', async () => {
    const version = await registered();
    await moveTo(hindcast, version, 'STAGING', '2026-01-05T00:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-20T00:00:00Z');
    expect(
      await transition(version, { to: 'ARCHIVED', occurredAt: '2026-01-10T00:00:00Z' }),
    ).toMatchObject({
      __typename: 'TransitionNotAllowedError',
      message:
        'A version cannot go from ARCHIVED to PRODUCTION (at 2026-01-20T00:00:00.000Z). From ARCHIVED it may go to STAGING, REVOKED. That change is on record already; correct it first.',
    });
  });

  it('corrects by a later fact, which changes no earlier answer', async () => {
    const version = await registered();
    await moveTo(hindcast, version, 'STAGING', '2026-01-05T00:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-20T00:00:00Z');
    const [, , promoted] = (await history(version, '2026-01-15T00:00:00Z')).transitions.nodes;
    const before = String(promoted?.recordedAt);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await transition(version, {
      to: 'PRODUCTION',
      occurredAt: '2026-01-10T00:00:00Z',
      corrects: 3,
    });
    expect(await history(version, '2026-01-15T00:00:00Z')).toMatchObject({
      stageAt: 'PRODUCTION',
      brokenTransitions: [],
      effective: {
        nodes: [
          { sequence: 1, to: 'REGISTERED' },
          { sequence: 2, to: 'STAGING' },
          { sequence: 4, to: 'PRODUCTION' },
        ],
      },
    });
    expect((await history(version, '2026-01-15T00:00:00Z', before)).stageAt).toBe('STAGING');
  });

  it('keeps the chain linear when many ask at once', async () => {
    const version = await registered();
    await moveTo(hindcast, version, 'STAGING', '2026-01-05T00:00:00Z');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => transition(version, { to: 'PRODUCTION' })),
    );
    const kinds = answers.map(({ __typename }) => __typename).sort();
    expect(kinds).toEqual(
      ['TransitionModelVersionPayload', ...Array(9).fill('TransitionNotAllowedError')].sort(),
    );
    const { transitions, brokenTransitions } = await history(version, '2026-01-05T00:00:00Z');
    expect(transitions.nodes.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(brokenTransitions).toEqual([]);
  });

  it('is refused to hand-written SQL', async () => {
    const version = await registered();
    await expect(
      hindcast.database.query({ text: "UPDATE lifecycle_transition SET to_stage = 'REVOKED'" }),
    ).rejects.toThrow('lifecycle_transition is append-only: UPDATE is refused');
    expect((await history(version, '2026-02-01T00:00:00Z')).stage).toBe('REGISTERED');
  });
});
