import { CodeCommitRef } from '../evidence/code-commit.ts';
import { FeatureSchemaRef } from '../evidence/feature-schema.ts';
import { RuntimeEnvironmentRef } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { needsModel, needsWithinModels } from '../platform/needs.ts';
import { FeatureValueRef } from '../prediction/feature-value-type.ts';
import { joinedValues, noteFeatures } from '../prediction/feature-values.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { PredictionLogReferenceInput } from '../prediction/prediction-reference.ts';
import { ArtifactUseRef } from '../registry/artifact-use.ts';
import { DatasetUseRef } from '../registry/dataset-use.ts';
import { LifecycleStageEnum } from '../registry/lifecycle-type.ts';
import { ModelVersionRef } from '../registry/model-version.ts';
import { DeploymentRef } from '../serving/deployment-type.ts';
import { EvidenceGapRef, TraceFindingRef, TraceVerdictEnum } from './finding-type.ts';
import { type Trace, traceOf } from './trace.ts';
import { findTraced } from './traced-prediction.ts';

export const TraceRef = builder.objectRef<Trace>('Trace').implement({
  extensions: needsModel(
    ({ evidence }: Trace) => evidence.version.model.name,
    'predictions:read',
    'registry:read',
  ),
  description: 'The provenance of one prediction as of the moment it was made, not as of now.',
  fields: (t) => ({
    prediction: t.field({
      type: PredictionLogRef,
      description: 'The prediction traced.',
      resolve: ({ evidence }) => evidence.prediction,
    }),
    deployment: t.field({
      type: DeploymentRef,
      nullable: true,
      description:
        'Deployment of that version on record for the endpoint at `prediction.occurredAt`; null, with a finding, when there is none.',
      resolve: ({ evidence }) => evidence.deployment,
    }),
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'Model version that answered.',
      resolve: ({ evidence }) => evidence.version,
    }),
    stageAtPrediction: t.field({
      type: LifecycleStageEnum,
      nullable: true,
      description:
        'Lifecycle stage of the version at that moment; null, with a finding, before its first on record.',
      resolve: ({ evidence }) => evidence.stage,
    }),
    commit: t.field({
      type: CodeCommitRef,
      description: 'Commit of the training code.',
      resolve: ({ evidence }) => evidence.commit,
    }),
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description:
        'Schema the features were built with. `modelVersion.featureSchema` is the one the version was trained on.',
      resolve: ({ evidence }) => evidence.builtWith,
    }),
    features: t.field({
      type: [FeatureValueRef],
      description: 'Feature values, joined to their definitions, transformations and baselines.',
      resolve: ({ evidence }, _, context) => {
        const { prediction, readings, builtWith, expected, baselines } = evidence;
        const maySee = noteFeatures(context, prediction, builtWith);
        const values = { readings: [...readings.values()], builtWith, expected, baselines, maySee };
        return [...joinedValues(prediction, values)];
      },
    }),
    datasets: t.field({
      type: [DatasetUseRef],
      description: 'Dataset snapshots the version was made from, with their roles.',
      resolve: ({ evidence }) => [...evidence.datasets],
    }),
    environment: t.field({
      type: RuntimeEnvironmentRef,
      description: 'Environment of the version.',
      resolve: ({ evidence }) => evidence.environment,
    }),
    artifacts: t.field({
      type: [ArtifactUseRef],
      description: 'Files of the version.',
      resolve: ({ evidence }) => [...evidence.artifacts],
    }),
    verdict: t.field({
      type: TraceVerdictEnum,
      description: 'Whether the chain is complete and consistent.',
      resolve: ({ verdict }) => verdict,
    }),
    findings: t.field({
      type: [TraceFindingRef],
      description: 'Everything found wrong or worth noting, most severe first.',
      resolve: ({ findings }) => [...findings],
    }),
    gaps: t.field({
      type: [EvidenceGapRef],
      description: 'Evidence that should be part of the trace and is absent, each with its reason.',
      resolve: ({ gaps }) => [...gaps],
    }),
    knownAt: t.field({
      type: 'DateTime',
      description: 'Record time answered for: only what had been recorded by then was used.',
      resolve: ({ knownAt }) => knownAt,
    }),
    digest: t.field({
      type: 'Digest',
      description:
        'SHA-256 of the canonical trace. Quote it in a report: the same prediction gives the same digest until an outcome or a finding changes.',
      resolve: ({ digest }) => digest,
    }),
  }),
});

builder.queryField('trace', (t) =>
  t.field({
    extensions: needsWithinModels('predictions:read', 'registry:read'),
    type: TraceRef,
    nullable: true,
    description:
      'The complete provenance of one prediction. Null when there is no such prediction, or it was not recorded by `knownAt`. One SQL statement.',
    complexity: 10,
    args: {
      prediction: t.arg({
        type: PredictionLogReferenceInput,
        required: true,
        description: 'Which prediction.',
      }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'Use only what had been recorded by then; now when omitted.',
      }),
    },
    resolve: async (_, { prediction, knownAt }, context) => {
      const found = await findTraced(context, prediction);
      return found === null ? null : traceOf(context, found.prediction, knownAt ?? null, found);
    },
  }),
);

builder.objectField(PredictionLogRef, 'trace', (t) =>
  t.field({
    type: TraceRef,
    description: 'The complete provenance of this prediction, as known now.',
    complexity: 10,
    resolve: async (prediction, _, context) => referenced(await traceOf(context, prediction, null)),
  }),
);
