import { featureSchemaById } from '../evidence/feature-schema.ts';
import { runtimeEnvironmentById } from '../evidence/runtime-environment.ts';
import type { Context } from '../platform/context.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { PredictionLog } from '../prediction/prediction-log.ts';
import { type ModelVersion, modelVersionById } from '../registry/model-version.ts';
import type { RunnerIdentity } from './model-runner.ts';
import { type NotReplayable, type ReplayOptions, replayThrough } from './replay.ts';
import {
  compareOutputs,
  type ElementComparison,
  loggedOutput,
  scoreElement,
} from './replay-comparison.ts';
import { type Tolerance, worstNumber } from './replay-rules.ts';
import { storedDigestHolds } from './stored-digest.ts';

export type ReplayVerdict = 'EXACT' | 'WITHIN_TOLERANCE' | 'MISMATCH' | 'NOT_REPLAYABLE';

/** Where a difference may come from. */
export type Suspect = 'INPUT' | 'MODEL' | 'RUNTIME' | 'LOG';

/** A prediction and what a version says to the same values now. */
export interface ReplayReport {
  readonly prediction: PredictionLog;
  readonly version: ModelVersion;
  readonly verdict: ReplayVerdict;
  /** Set when it is not replayable. */
  readonly obstacle: NotReplayable | null;
  readonly elements: readonly ElementComparison[];
  /** The element that the logged score is. */
  readonly score: ElementComparison | null;
  readonly otherMeanings: readonly string[];
  readonly runner: RunnerIdentity | null;
  readonly suspects: readonly Suspect[];
}

/** What differs between the recorded run and this one. */
const suspectsOf = async (
  context: Context,
  prediction: PredictionLog,
  version: ModelVersion,
  runner: RunnerIdentity,
): Promise<readonly Suspect[]> => {
  const { database } = context;
  const environment = referenced(
    await runtimeEnvironmentById(database).load(version.runtimeEnvironmentId),
  );
  const expected = referenced(await featureSchemaById(database).load(version.featureSchemaId));
  const recorded = environment.packages.find(({ name }) => name.endsWith('/onnxruntime'));
  const isSameRuntime =
    recorded?.version === runner.version &&
    environment.platform === runner.platform &&
    environment.threads === runner.threads;
  return [
    ...(prediction.featureSchemaId === expected.id ? [] : (['INPUT'] as const)),
    ...(prediction.modelVersionId === version.id ? [] : (['MODEL'] as const)),
    ...(isSameRuntime ? [] : (['RUNTIME'] as const)),
    ...((await storedDigestHolds(context, prediction)) ? [] : (['LOG'] as const)),
  ];
};

/** Runs one prediction again, through the version that answered or another. */
export const replayReport = async (
  context: Context,
  prediction: PredictionLog,
  other: ModelVersion | null,
  tolerance: Tolerance,
  options: ReplayOptions,
): Promise<ReplayReport> => {
  const version =
    other ?? referenced(await modelVersionById(context.database).load(prediction.modelVersionId));
  const [answer] = await replayThrough(context, version, [prediction], options);
  const none = { prediction, version, elements: [], score: null, otherMeanings: [], suspects: [] };
  if (answer === undefined) throw new Error('Every prediction has an answer.');
  if ('reason' in answer) {
    return { ...none, verdict: 'NOT_REPLAYABLE', obstacle: answer, runner: null };
  }
  const { outputs, otherMeanings, runner } = answer;
  const elements = compareOutputs(loggedOutput(prediction.output), outputs, tolerance);
  if (elements.length === 0) {
    const names = outputs.map(({ name }) => name).join(', ');
    const message = `The model gives ${names}; the record's \`output\` holds none of them in the same size, so nothing can be compared.`;
    const obstacle = { reason: 'NO_COMPARABLE_OUTPUT', message } as const;
    return { ...none, verdict: 'NOT_REPLAYABLE', obstacle, runner };
  }
  const verdict = worstNumber(elements.map((element) => element.verdict));
  return {
    prediction,
    version,
    verdict,
    obstacle: null,
    elements,
    score: prediction.score === null ? null : scoreElement(prediction.score, elements),
    otherMeanings,
    runner,
    suspects: verdict === 'EXACT' ? [] : await suspectsOf(context, prediction, version, runner),
  };
};
