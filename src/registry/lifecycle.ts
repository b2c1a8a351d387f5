import { digestOf } from '../platform/canonical-json.ts';
import { END_OF_TIME, formatInstant, type Instant, nowAfter } from '../platform/instant.ts';

export type LifecycleStage = 'REGISTERED' | 'STAGING' | 'PRODUCTION' | 'ARCHIVED' | 'REVOKED';

/** One recorded change of a version's stage. */
export interface LifecycleFact {
  /** Position in the order of recording, from 1. */
  readonly sequence: number;
  /** Stage before; null for the first. */
  readonly from: LifecycleStage | null;
  readonly to: LifecycleStage;
  readonly reason: string;
  readonly actor: string;
  /** When it took effect. */
  readonly occurredAt: Instant;
  readonly recordedAt: Instant;
  /** The earlier fact that this one takes the place of. */
  readonly correctsSequence: number | null;
  readonly digest: string;
  readonly previousDigest: string | null;
}

/** Which stage may follow which. A revoked version stays revoked; an archived one may come back through staging. */
export const TRANSITIONS: Readonly<Record<LifecycleStage, readonly LifecycleStage[]>> = {
  REGISTERED: ['STAGING', 'ARCHIVED', 'REVOKED'],
  STAGING: ['REGISTERED', 'PRODUCTION', 'ARCHIVED', 'REVOKED'],
  PRODUCTION: ['STAGING', 'ARCHIVED', 'REVOKED'],
  ARCHIVED: ['STAGING', 'REVOKED'],
  REVOKED: [],
};

/** The facts that hold, in the order they took effect: corrected ones are left out, and those recorded after `knownAt`. */
export const effectiveFacts = <Fact extends LifecycleFact>(
  facts: readonly Fact[],
  knownAt: Instant = END_OF_TIME,
): readonly Fact[] => {
  const known = facts.filter(({ recordedAt }) => recordedAt <= knownAt);
  const corrected = new Set(known.map(({ correctsSequence }) => correctsSequence));
  return known
    .filter(({ sequence }) => !corrected.has(sequence))
    .sort((a, b) => a.occurredAt - b.occurredAt || a.sequence - b.sequence);
};

/** The stage at an instant, as known at another; null before the first fact. */
export const stageAt = (
  facts: readonly LifecycleFact[],
  at: Instant,
  knownAt?: Instant,
): LifecycleStage | null =>
  effectiveFacts(facts, knownAt).findLast(({ occurredAt }) => occurredAt <= at)?.to ?? null;

/** The stage now; the first one for a version that is to be registered within the tolerance of clocks. */
export const stageNow = (facts: readonly LifecycleFact[]): LifecycleStage | null => {
  const now = nowAfter(facts.map(({ recordedAt }) => recordedAt));
  return stageAt(facts, now) ?? effectiveFacts(facts)[0]?.to ?? null;
};

export type ProposedFact = Pick<LifecycleFact, 'to' | 'occurredAt' | 'correctsSequence'>;

/** Why a history may not go on this way. */
export interface TransitionRefusal {
  readonly message: string;
  readonly currentStage: LifecycleStage;
}

/** The stage that a proposed fact would follow, or why it may not be recorded. */
export const checkTransition = (
  facts: readonly LifecycleFact[],
  proposed: ProposedFact,
): LifecycleStage | null | TransitionRefusal => {
  const remaining = effectiveFacts(facts).filter(
    ({ sequence }) => sequence !== proposed.correctsSequence,
  );
  const before = remaining.filter(({ occurredAt }) => occurredAt <= proposed.occurredAt);
  const after = remaining.slice(before.length);
  const from = before.at(-1)?.to ?? null;
  const currentStage = from ?? remaining[0]?.to ?? 'REGISTERED';
  if (from === null && proposed.to !== 'REGISTERED') {
    const first = effectiveFacts(facts)[0];
    return {
      currentStage,
      message: `The version was registered ${first === undefined ? 'later' : `at ${formatInstant(first.occurredAt)}`}; a change of stage cannot take effect before that.`,
    };
  }
  // The whole timeline, because a correction also brings together what stood around the corrected fact.
  const broken = firstIllegal([...before, proposed, ...after]);
  if (broken === null) return from;
  const { previous, next } = broken;
  const reason = notAllowed(previous.to, next.to, next.occurredAt);
  return {
    currentStage,
    message:
      next === proposed ? reason : `${reason} That change is on record already; correct it first.`,
  };
};

type Step = Pick<LifecycleFact, 'to' | 'occurredAt'>;

/** The first change of a timeline that the table does not allow. */
const firstIllegal = (
  timeline: readonly Step[],
): { readonly previous: Step; readonly next: Step } | null => {
  for (const [index, next] of timeline.entries()) {
    const previous = timeline[index - 1];
    if (previous !== undefined && !TRANSITIONS[previous.to].includes(next.to)) {
      return { previous, next };
    }
  }
  return null;
};

const notAllowed = (from: LifecycleStage, to: LifecycleStage, at: Instant): string =>
  `A version cannot go from ${from} to ${to} (at ${formatInstant(at)}). ${
    TRANSITIONS[from].length === 0
      ? `${from} is final.`
      : `From ${from} it may go to ${TRANSITIONS[from].join(', ')}.`
  }`;

/** Digest of a fact: covers all of it, the version it is about, and the fact before it. */
export const lifecycleDigest = (
  modelVersion: string,
  fact: Omit<LifecycleFact, 'digest'>,
): string =>
  digestOf({
    modelVersion,
    sequence: fact.sequence,
    from: fact.from,
    to: fact.to,
    reason: fact.reason,
    actor: fact.actor,
    occurredAt: formatInstant(fact.occurredAt),
    recordedAt: formatInstant(fact.recordedAt),
    corrects: fact.correctsSequence,
    previous: fact.previousDigest,
  });

/** Sequences of the facts that break the chain: altered, out of order, or following one that is gone. */
export const brokenLinks = (
  modelVersion: string,
  facts: readonly LifecycleFact[],
): readonly number[] =>
  facts
    .filter(
      (fact, index) =>
        fact.sequence !== index + 1 ||
        fact.previousDigest !== (facts[index - 1]?.digest ?? null) ||
        fact.digest !== lifecycleDigest(modelVersion, fact),
    )
    .map(({ sequence }) => sequence);
