import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { latestOutcome } from '../prediction/observations.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { type ModelVersion, modelVersionById } from '../registry/model-version.ts';
import type { RunnerIdentity } from './model-runner.ts';
import {
  type NotReplayable,
  type NotReplayableReason,
  type Replayable,
  type ReplayedAnswer,
  type ReplayOptions,
  replayThrough,
} from './replay.ts';
import { loggedOutput, replayedScore } from './replay-comparison.ts';
import { compareNumbers } from './replay-rules.ts';

/** How a label follows from a score. */
export interface Decision {
  readonly threshold: number;
  /** Label of scores above the threshold. */
  readonly above: string;
  /** Label of all others. */
  readonly otherwise: string;
}

/** One prediction as it was answered and as the target answers it. */
export interface ReplayedScore {
  readonly prediction: PredictionLog;
  readonly before: number;
  readonly after: number;
}

/** Some predictions, and what a version says to the same values. */
export interface ReplaySummary {
  readonly attempted: number;
  readonly answers: readonly ReplayedScore[];
  /** Of the answers, those with the logged score to the bit. */
  readonly exact: number;
  /** Why the others could not be run, most frequent first. */
  readonly obstacles: readonly { readonly reason: NotReplayableReason; readonly count: number }[];
  readonly decision: Decision | null;
}

/** What a decision makes of the answers, and how both stand against the outcomes that are known. */
export interface ReplayedLabels {
  readonly flips: readonly ReplayedScore[];
  readonly known: number;
  readonly rightBefore: number;
  readonly rightAfter: number;
}

export const labelOf = ({ threshold, above, otherwise }: Decision, score: number): string =>
  score > threshold ? above : otherwise;

/** Labels before are the logged ones, so that a decision that differs from the one that was in force shows. */
export const labelsOf = ({ answers }: ReplaySummary, decision: Decision): ReplayedLabels => {
  const judged = answers.map((answer) => ({
    answer,
    logged: answer.prediction.label ?? labelOf(decision, answer.before),
    replayed: labelOf(decision, answer.after),
    outcome: latestOutcome(answer.prediction.observations.outcomes)?.label ?? null,
  }));
  const known = judged.filter(({ outcome }) => outcome !== null);
  return {
    flips: judged.filter(({ logged, replayed }) => logged !== replayed).map(({ answer }) => answer),
    known: known.length,
    rightBefore: known.filter(({ logged, outcome }) => logged === outcome).length,
    rightAfter: known.filter(({ replayed, outcome }) => replayed === outcome).length,
  };
};

type Result = ReplayedAnswer | NotReplayable;

/** Through one version, or each through the version that answered it. */
const resultsOf = async <Case extends Replayable>(
  context: Context,
  target: ModelVersion | null,
  predictions: readonly Case[],
  options: ReplayOptions,
): Promise<ReadonlyMap<Case, Result>> => {
  const versions =
    target === null
      ? [...new Set(predictions.map(({ modelVersionId }) => modelVersionId))]
      : [null];
  const results = new Map<Case, Result>();
  for (const id of versions) {
    const own = id === null ? null : await modelVersionById(context.database).load(id);
    const group = predictions.filter(({ modelVersionId }) => id === null || modelVersionId === id);
    const answers = await replayThrough(context, referenced(target ?? own), group, options);
    for (const [index, prediction] of group.entries()) {
      const answer = answers[index];
      if (answer !== undefined) results.set(prediction, answer);
    }
  }
  return results;
};

/** What was answered, to be held against what is answered again. */
type Answered = Pick<PredictionLog, 'score' | 'output'>;

const scoreAfter = ({ score, output }: Answered, result: Result): number | null =>
  'reason' in result || score === null
    ? null
    : replayedScore(score, loggedOutput(output), result.outputs);

/** What came of one prediction that was run again. */
export interface ReplayedPrediction<Case> {
  readonly prediction: Case;
  /** Score of the version; null when there is none to compare. */
  readonly after: number | null;
  /** Why there is none; null when there is one. */
  readonly obstacle: NotReplayableReason | null;
  /** What ran it; null when nothing did. */
  readonly runner: RunnerIdentity | null;
}

/** Runs predictions again, through one version or each through its own; in their order. */
export const replayEach = async <Case extends Replayable & Answered>(
  context: Context,
  target: ModelVersion | null,
  predictions: readonly Case[],
  options: ReplayOptions,
): Promise<readonly ReplayedPrediction<Case>[]> => {
  const results = await resultsOf(context, target, predictions, options);
  return predictions.flatMap((prediction) => {
    const result = results.get(prediction);
    if (result === undefined) return [];
    const after = scoreAfter(prediction, result);
    const obstacle = 'reason' in result ? result.reason : 'NO_COMPARABLE_OUTPUT';
    return [
      {
        prediction,
        after,
        obstacle: after === null ? obstacle : null,
        runner: 'reason' in result ? null : result.runner,
      },
    ];
  });
};

/** Runs predictions again and sums up how the scores move. */
export const replaySummary = async (
  context: Context,
  target: ModelVersion | null,
  predictions: readonly PredictionLog[],
  decision: Decision | null,
  options: ReplayOptions,
): Promise<ReplaySummary> => {
  const replayed = await replayEach(context, target, predictions, options);
  const answers = replayed.flatMap(({ prediction, after }): ReplayedScore[] =>
    after === null || prediction.score === null
      ? []
      : [{ prediction, before: prediction.score, after }],
  );
  const obstacles = new Map<NotReplayableReason, number>();
  for (const { obstacle } of replayed) {
    if (obstacle !== null) obstacles.set(obstacle, (obstacles.get(obstacle) ?? 0) + 1);
  }
  return {
    attempted: predictions.length,
    answers,
    exact: answers.filter(
      ({ before, after }) => compareNumbers(before, after, 'FP64').verdict === 'EXACT',
    ).length,
    obstacles: [...obstacles]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count),
    decision,
  };
};

/** Mean and largest absolute change of the score; null without answers. */
export const scoreShift = ({
  answers,
}: ReplaySummary): { readonly mean: number; readonly largest: number } | null => {
  if (answers.length === 0) return null;
  const shifts = answers.map(({ before, after }) => Math.abs(after - before));
  return {
    mean: shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length,
    largest: shifts.reduce((most, shift) => Math.max(most, shift), 0),
  };
};
