import { ArtifactInput, checkArtifact } from '../evidence/artifact.ts';
import { CodeCommitInput, checkCommit } from '../evidence/code-commit-record.ts';
import { checkSnapshot, DatasetSnapshotInput } from '../evidence/dataset-snapshot-record.ts';
import { checkFeatureSchema, FeatureSchemaInput } from '../evidence/feature-schema-input.ts';
import { checkEnvironment, RuntimeEnvironmentInput } from '../evidence/runtime-environment.ts';
import { builder } from '../platform/builder.ts';
import { assertNoIssues } from '../platform/errors.ts';
import { collectIssues } from '../platform/issues.ts';
import { ArtifactRoleEnum } from './artifact-use.ts';
import { DatasetRoleEnum } from './dataset-use.ts';
import { ModelVersionReferenceInput } from './model-version.ts';

const CodeCommitSource = builder.inputType('CodeCommitSource', {
  description: 'A commit already recorded, or one to record.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of a recorded commit.' }),
    definition: t.field({ type: CodeCommitInput, description: 'The commit in full.' }),
  }),
});

const FeatureSchemaSource = builder.inputType('FeatureSchemaSource', {
  description: 'A feature schema already recorded, or one to record.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of a recorded schema.' }),
    definition: t.field({ type: FeatureSchemaInput, description: 'The schema in full.' }),
  }),
});

const DatasetSnapshotSource = builder.inputType('DatasetSnapshotSource', {
  description: 'A dataset snapshot already recorded, or one to record.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of a recorded snapshot.' }),
    definition: t.field({ type: DatasetSnapshotInput, description: 'The snapshot in full.' }),
  }),
});

const RuntimeEnvironmentSource = builder.inputType('RuntimeEnvironmentSource', {
  description: 'An environment already recorded, or one to record.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of a recorded environment.' }),
    definition: t.field({
      type: RuntimeEnvironmentInput,
      description: 'The environment in full.',
    }),
  }),
});

const ArtifactSource = builder.inputType('ArtifactSource', {
  description: 'A stored file already recorded, or one to record.',
  isOneOf: true,
  fields: (t) => ({
    digest: t.field({ type: 'Digest', description: 'Digest of a recorded file.' }),
    definition: t.field({ type: ArtifactInput, description: 'The file in full.' }),
  }),
});

const DatasetUseInput = builder.inputType('DatasetUseInput', {
  description: 'A dataset use to record.',
  fields: (t) => ({
    role: t.field({
      type: DatasetRoleEnum,
      required: true,
      description: 'What the snapshot was used for.',
    }),
    snapshot: t.field({
      type: DatasetSnapshotSource,
      required: true,
      description: 'Snapshot, by digest or in full.',
    }),
  }),
});

const ArtifactUseInput = builder.inputType('ArtifactUseInput', {
  description: 'A file of the version.',
  fields: (t) => ({
    role: t.field({ type: ArtifactRoleEnum, required: true, description: 'Role of the file.' }),
    artifact: t.field({
      type: ArtifactSource,
      required: true,
      description: 'File, by digest or in full.',
    }),
  }),
});

const MetricInput = builder.inputType('MetricInput', {
  description: 'A metric to record.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Metric name.' }),
    value: t.float({ required: true, description: 'Metric value.' }),
    dataset: t.field({
      type: 'Digest',
      description: 'Digest of the recorded snapshot it was measured on.',
    }),
  }),
});

export const RegisterModelVersionInput = builder.inputType('RegisterModelVersionInput', {
  description: 'A model version to record.',
  fields: (t) => ({
    model: t.string({ required: true, description: 'Model name; the model is created when new.' }),
    description: t.string({
      description: 'What the model predicts; kept from its first registration.',
    }),
    semver: t.field({
      type: 'SemVer',
      required: true,
      description: 'Semantic version, not yet used in this model.',
    }),
    commit: t.field({
      type: CodeCommitSource,
      required: true,
      description: 'Commit of the training code, by digest or in full.',
    }),
    featureSchema: t.field({
      type: FeatureSchemaSource,
      required: true,
      description: 'Feature schema, by digest or in full.',
    }),
    datasets: t.field({
      type: [DatasetUseInput],
      required: true,
      description: 'Dataset snapshots used; at most 100.',
    }),
    environment: t.field({
      type: RuntimeEnvironmentSource,
      required: true,
      description: 'Environment, by digest or in full.',
    }),
    artifacts: t.field({
      type: [ArtifactUseInput],
      required: true,
      description: 'Stored files; at most 1000.',
    }),
    parent: t.field({
      type: ModelVersionReferenceInput,
      description: 'Version that this one was fine-tuned from.',
    }),
    hyperparameters: t.field({
      type: 'JSON',
      description:
        'Training hyperparameters; `{}` when omitted. Integers beyond 2^53 must be strings, as RFC 8785 requires.',
    }),
    metrics: t.field({
      type: [MetricInput],
      required: true,
      defaultValue: [],
      description:
        'Offline evaluation metrics; at most 1000. Beside the version, not part of it: those not yet on record are added.',
    }),
    registeredAt: t.field({
      type: 'DateTime',
      description:
        'When the version came to be, to the millisecond, if it is recorded late; now when omitted. Its lifecycle starts then. At most 5 minutes ahead; kept from the first registration.',
    }),
    expectedDigest: t.field({
      type: 'Digest',
      description: 'Digest the caller computed; registration fails when ours differs.',
    }),
  }),
});

export type RegisterSource = typeof RegisterModelVersionInput.$inferInput;

/** Throws with every issue of the input. */
export const checkRegistration = (input: RegisterSource): void => {
  const issues = collectIssues();
  const { commit, featureSchema, environment, datasets, artifacts, metrics } = input;
  issues.name(['input', 'model'], input.model);
  if (input.model.includes('@')) {
    issues.add(
      ['input', 'model'],
      `model is ${JSON.stringify(input.model)}: "@" separates a model from its version; take it out.`,
    );
  }
  issues.text(['input', 'description'], input.description);
  if (commit.definition != null)
    checkCommit(commit.definition, ['input', 'commit', 'definition'], issues);
  if (featureSchema.definition != null) {
    checkFeatureSchema(featureSchema.definition, ['input', 'featureSchema', 'definition'], issues);
  }
  if (environment.definition != null) {
    checkEnvironment(environment.definition, ['input', 'environment', 'definition'], issues);
  }
  if (datasets.length > 100)
    issues.add(['input', 'datasets'], `${datasets.length} datasets were given; give at most 100.`);
  for (const [index, { snapshot }] of datasets.entries()) {
    if (snapshot.definition == null) continue;
    checkSnapshot(
      snapshot.definition,
      ['input', 'datasets', index, 'snapshot', 'definition'],
      issues,
    );
  }
  if (artifacts.length > 1000)
    issues.add(
      ['input', 'artifacts'],
      `${artifacts.length} artifacts were given; give at most 1000.`,
    );
  for (const [index, { artifact }] of artifacts.entries()) {
    if (artifact.definition == null) continue;
    checkArtifact(
      artifact.definition,
      ['input', 'artifacts', index, 'artifact', 'definition'],
      issues,
    );
  }
  if (metrics.length > 1000)
    issues.add(['input', 'metrics'], `${metrics.length} metrics were given; give at most 1000.`);
  for (const [index, { name }] of metrics.entries())
    issues.name(['input', 'metrics', index, 'name'], name);
  const { hyperparameters } = input;
  if (
    hyperparameters != null &&
    (typeof hyperparameters !== 'object' || Array.isArray(hyperparameters))
  ) {
    issues.add(
      ['input', 'hyperparameters'],
      'hyperparameters must be a JSON object of name to value.',
    );
  }
  issues.json(['input', 'hyperparameters'], hyperparameters ?? {});
  assertNoIssues(issues.list);
};
