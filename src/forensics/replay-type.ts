import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { RuntimeEnvironmentRef, runtimeEnvironmentById } from '../evidence/runtime-environment.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { needs } from '../platform/needs.ts';
import { lexical } from '../prediction/feature-lexical.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import {
  findModelVersion,
  ModelVersionRef,
  ModelVersionReferenceInput,
} from '../registry/model-version.ts';
import type { RunnerIdentity } from './model-runner.ts';
import type { ElementComparison } from './replay-comparison.ts';
import { type ReplayReport, replayReport } from './replay-report.ts';
import { EXACTLY, type Tolerance } from './replay-rules.ts';

const VerdictEnum = builder.enumType('ReplayVerdict', {
  description: 'Whether running it again gives the same answer.',
  values: {
    EXACT: { description: 'Every compared number is the same, to the bit.' },
    WITHIN_TOLERANCE: { description: 'Every one is within the tolerance asked for.' },
    MISMATCH: { description: 'At least one is beyond it.' },
    NOT_REPLAYABLE: { description: 'It could not be run, or nothing could be compared.' },
  } as const,
});

export const NotReplayableReasonEnum = builder.enumType('NotReplayableReason', {
  description: 'Why a prediction could not be run again.',
  values: {
    ARTIFACT_UNRECORDED: { description: 'The version was registered without weights.' },
    ARTIFACT_MISSING: { description: 'The weights are not in the artifact store.' },
    ARTIFACT_ALTERED: { description: 'What the store holds has another digest.' },
    RUNTIME_UNAVAILABLE: { description: 'Nothing is installed here that runs it.' },
    UNSUPPORTED_FORMAT: { description: 'The file, or its inputs, cannot be run here.' },
    SCHEMA_UNSATISFIED: {
      description:
        'The version needs features that were not sent, or that mean something else to it.',
    },
    VALUE_ABSENT: { description: 'A value is absent that the model needs.' },
    ERASED: { description: 'The values were erased by request.' },
    REDACTED: { description: 'The values are hidden from this caller.' },
    NO_COMPARABLE_OUTPUT: { description: 'It ran, but the log holds nothing to compare with.' },
  } as const,
});

const SuspectEnum = builder.enumType('ReplaySuspect', {
  description:
    'What differs between the recorded run and the replay, and may explain another answer.',
  values: {
    INPUT: { description: 'The features were built with another schema than the version expects.' },
    MODEL: { description: 'Another version ran.' },
    RUNTIME: {
      description:
        "The runner's version, platform or number of threads is not that of the version's environment.",
    },
    LOG: { description: 'The stored record no longer gives its digest.' },
  } as const,
});

export const RunnerIdentityRef = builder.objectRef<RunnerIdentity>('RunnerIdentity').implement({
  description: 'What ran a model.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name, such as `onnxruntime-node`.' }),
    version: t.exposeString('version', { description: 'Version.' }),
    platform: t.exposeString('platform', {
      nullable: true,
      description:
        'Operating system and architecture, such as `linux/amd64`; null when it does not say.',
    }),
    threads: t.exposeInt('threads', {
      nullable: true,
      description: 'Threads that inference used; null when it does not say.',
    }),
  }),
});

const textOf = (value: number | string): string =>
  typeof value === 'string' ? value : lexical('FP64', value);

const ElementRef = builder.objectRef<ElementComparison>('OutputComparison').implement({
  description: 'One element of an output, logged and replayed.',
  fields: (t) => ({
    output: t.exposeString('output', { description: 'Name of the output.' }),
    index: t.exposeInt('index', { description: 'Position in it, row-major, from 0.' }),
    verdict: t.field({
      type: VerdictEnum,
      description: 'How they compare.',
      resolve: ({ verdict }) => verdict,
    }),
    logged: t.string({
      description: 'Exact text of the logged value.',
      resolve: ({ logged }) => textOf(logged),
    }),
    replayed: t.string({
      description: 'Exact text of the replayed value.',
      resolve: ({ replayed }) => textOf(replayed),
    }),
    ulps: t.field({
      type: 'BigInt',
      nullable: true,
      description:
        "Steps between them in the output's precision (IEEE 754); null for texts and where one is not finite.",
      resolve: ({ ulps }) => ulps,
    }),
    absolute: t.exposeFloat('absolute', {
      nullable: true,
      description: 'Distance between them; null for texts and where one is not finite.',
    }),
  }),
});

const ReplayRef = builder.objectRef<ReplayReport>('Replay').implement({
  extensions: needs('predictions:read', 'registry:read'),
  description: 'A prediction, and what a version says to the same values now.',
  fields: (t) => ({
    prediction: t.field({
      type: PredictionLogRef,
      description: 'The prediction.',
      resolve: ({ prediction }) => prediction,
    }),
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The version that was run.',
      resolve: ({ version }) => version,
    }),
    verdict: t.field({
      type: VerdictEnum,
      description: 'Whether the answer is the same.',
      resolve: ({ verdict }) => verdict,
    }),
    reason: t.field({
      type: NotReplayableReasonEnum,
      nullable: true,
      description: 'Why it is not replayable; null when it is.',
      resolve: ({ obstacle }) => obstacle?.reason ?? null,
    }),
    message: t.string({
      nullable: true,
      description: 'The same in English, with the remedy; null when it is replayable.',
      resolve: ({ obstacle }) => obstacle?.message ?? null,
    }),
    outputs: t.field({
      type: [ElementRef],
      description:
        'Every element that the logged `output` and the model both have, compared. A logged number that is the shortest text of an FP32 value stands for that value. Empty for a caller who lacks the scope `features:sensitive`, as `output` is null.',
      resolve: ({ elements, prediction }, _, context) => {
        if (elements.length === 0 || !maySeeSensitive(context)) return [];
        noteSensitiveRead(context, 'OUTPUT', prediction.requestId);
        return [...elements];
      },
    }),
    score: t.field({
      type: ElementRef,
      nullable: true,
      description:
        'The element that the logged score is; null when there is no score, or no element has its value.',
      resolve: ({ score }) => score,
    }),
    otherMeanings: t.stringList({
      description:
        'Features that mean something else to the version than to the pipeline that built them, with what differs.',
      resolve: ({ otherMeanings }) => [...otherMeanings],
    }),
    suspects: t.field({
      type: [SuspectEnum],
      description: 'What may explain a difference; empty when the answer is exact.',
      resolve: ({ suspects }) => [...suspects],
    }),
    runner: t.field({
      type: RunnerIdentityRef,
      nullable: true,
      description: 'What ran the model now; null when nothing did.',
      resolve: ({ runner }) => runner,
    }),
    recordedEnvironment: t.field({
      type: RuntimeEnvironmentRef,
      description: 'What ran it then, as the version was registered.',
      resolve: async ({ version }, _, { database }) =>
        referenced(await runtimeEnvironmentById(database).load(version.runtimeEnvironmentId)),
    }),
  }),
});

export const RunnerEnum = builder.enumType('ReplayRunner', {
  description: 'What to run a model with.',
  values: {
    LOCAL: { description: 'Here, from the file in the artifact store.' },
    INFERENCE_SERVER: {
      description:
        'A running server of the Open Inference Protocol V2, which serves the version under its model name and semantic version.',
    },
  } as const,
});

/** The argument `runner` of everything that runs predictions again. */
export const runnerArgument = {
  type: RunnerEnum,
  required: true,
  defaultValue: 'LOCAL',
  description: 'What to run the model with.',
} as const;

const ToleranceInput = builder.inputType('ReplayTolerance', {
  description: 'How far a replayed number may be from the logged one: within any of these.',
  fields: (t) => ({
    ulps: t.int({
      required: true,
      defaultValue: 0,
      description: "Steps in the output's precision, 0 to 1 000 000.",
    }),
    absolute: t.float({ required: true, defaultValue: 0, description: 'Distance, 0 or more.' }),
    relative: t.float({
      required: true,
      defaultValue: 0,
      description: "Share of the logged number's magnitude, from 0 to 1.",
    }),
  }),
});

const checkTolerance = ({ ulps, absolute, relative }: Tolerance): Tolerance => {
  const issues = [
    ...(ulps >= 0 && ulps <= 1_000_000 ? [] : [['ulps', `${ulps}; give 0 to 1000000.`] as const]),
    ...(absolute >= 0 ? [] : [['absolute', `${absolute}; give 0 or more.`] as const]),
    ...(relative >= 0 && relative <= 1 ? [] : [['relative', `${relative}; give 0 to 1.`] as const]),
  ].map(([name, message]) => ({ path: ['tolerance', name], message }));
  if (issues.length > 0) throw argumentError(...issues);
  return { ulps, absolute, relative };
};

builder.objectField(PredictionLogRef, 'replay', (t) =>
  t.field({
    type: ReplayRef,
    description:
      'Runs the prediction again: the exact file on the exact logged values, in one thread without optimisation. The version that answered is run on what it was given, whatever that meant.',
    complexity: 100,
    args: {
      with: t.arg({
        type: ModelVersionReferenceInput,
        description:
          'Another version, to see what it would have said; the one that answered when omitted.',
      }),
      tolerance: t.arg({ type: ToleranceInput, description: 'None when omitted: to the bit.' }),
      acceptOtherMeanings: t.arg.boolean({
        required: true,
        defaultValue: false,
        description:
          'Run another version also on features that mean something else to it, as a bad rollback would.',
      }),
      runner: t.arg(runnerArgument),
    },
    resolve: async (prediction, args, context) => {
      const { with: reference, tolerance, acceptOtherMeanings, runner } = args;
      const other = reference == null ? null : await findModelVersion(context.database, reference);
      if (reference != null && other === null) {
        throw argumentError({ path: ['with'], message: 'There is no such model version.' });
      }
      const within = checkTolerance(tolerance ?? EXACTLY);
      return replayReport(context, prediction, other, within, { acceptOtherMeanings, runner });
    },
  }),
);
