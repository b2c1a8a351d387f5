import type { Context } from '../platform/context.ts';
import { latestOutcome } from '../prediction/observations.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import type { ModelVersion } from '../registry/model-version.ts';
import { type NotReplayableReason, replayThrough } from './replay.ts';
import { compareOutputs, loggedOutput, scoreElement } from './replay-comparison.ts';
import { EXACTLY } from './replay-rules.ts';

/** How a label follows from a score. */
export interface Decision {
  readonly threshold: number;
  /** Label of scores above the threshold. */
  readonly above: string;
  /** Label of all others. */
  readonly otherwise: string;
}

/** One prediction as it was answered and as the target answers it. */
export interface DryRunAnswer {
  readonly prediction: PredictionLog;
  readonly before: number;
  readonly after: number;
}

/** The last predictions of an endpoint, answered by another version. */
export interface DryRun {
  readonly attempted: number;
  readonly answers: readonly DryRunAnswer[];
  /** Why the others could not be run, most frequent first. */
  readonly obstacles: readonly { readonly reason: NotReplayableReason; readonly count: number }[];
  readonly decision: Decision | null;
}

/** What a decision makes of the answers, and how both stand against the outcomes that are known. */
export interface DryRunLabels {
  readonly flips: readonly DryRunAnswer[];
  readonly known: number;
  readonly rightBefore: number;
  readonly rightAfter: number;
}

const labelOf = ({ threshold, above, otherwise }: Decision, score: number): string =>
  score > threshold ? above : otherwise;

/** Labels before are the logged ones, so that a decision that differs from the one that was in force shows. */
export const labelsOf = ({ answers }: DryRun, decision: Decision): DryRunLabels => {
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

/** Runs the target on predictions as the pipeline sends them, whatever that means to it. */
export const dryRun = async (
  context: Context,
  target: ModelVersion,
  predictions: readonly PredictionLog[],
  decision: Decision | null,
): Promise<DryRun> => {
  const results = await replayThrough(context, target, predictions, { acceptOtherMeanings: true });
  const answers: DryRunAnswer[] = [];
  const obstacles = new Map<NotReplayableReason, number>();
  for (const [index, prediction] of predictions.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    const reason = 'reason' in result ? result.reason : null;
    const score =
      'reason' in result || prediction.score === null
        ? null
        : scoreElement(
            prediction.score,
            compareOutputs(loggedOutput(prediction.output), result.outputs, EXACTLY),
          );
    if (score !== null && prediction.score !== null && typeof score.replayed === 'number') {
      answers.push({ prediction, before: prediction.score, after: score.replayed });
    } else {
      const why = reason ?? 'NO_COMPARABLE_OUTPUT';
      obstacles.set(why, (obstacles.get(why) ?? 0) + 1);
    }
  }
  return {
    attempted: predictions.length,
    answers,
    obstacles: [...obstacles]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count),
    decision,
  };
};

/** Mean and largest absolute change of the score; null without answers. */
export const scoreShift = ({
  answers,
}: DryRun): { readonly mean: number; readonly largest: number } | null => {
  if (answers.length === 0) return null;
  const shifts = answers.map(({ before, after }) => Math.abs(after - before));
  return {
    mean: shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length,
    largest: shifts.reduce((most, shift) => Math.max(most, shift), 0),
  };
};
