import type { ObjectRef } from '@pothos/core';
import { builder, type SchemaTypes } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { assertNoIssues, InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { announceRecorded } from '../platform/events.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { collectIssues, type Issues } from '../platform/issues.ts';
import { needs } from '../platform/needs.ts';
import { inTransaction, type Transaction } from '../platform/transaction.ts';
import { ArtifactInput, ArtifactRef, checkArtifact, recordArtifact } from './artifact.ts';
import { CodeCommitRef } from './code-commit.ts';
import { CodeCommitInput, checkCommit, recordCommit } from './code-commit-record.ts';
import { DatasetSnapshotRef, datasetSnapshotById } from './dataset-snapshot.ts';
import { checkSnapshot, DatasetSnapshotInput, recordSnapshot } from './dataset-snapshot-record.ts';
import { EvidenceConflictError } from './evidence-conflict.ts';
import { locationsOf } from './evidence-location.ts';
import { type FeatureSchema, FeatureSchemaRef } from './feature-schema.ts';
import { checkFeatureSchema, FeatureSchemaInput } from './feature-schema-input.ts';
import { recordFeatureSchema } from './feature-schema-record.ts';
import {
  checkEnvironment,
  RuntimeEnvironmentInput,
  RuntimeEnvironmentRef,
  recordEnvironment,
} from './runtime-environment.ts';

interface Recorded<Value> {
  readonly object: Value;
  readonly isNew: boolean;
}

const payload = <Value>(name: string, ref: ObjectRef<SchemaTypes, Value>, field: string) =>
  builder.objectRef<Recorded<Value>>(name).implement({
    description: 'Recorded evidence.',
    fields: (t) => ({
      [field]: t.field({
        type: ref,
        description: 'The object.',
        resolve: ({ object }) => object as never,
      }),
      isNew: t.exposeBoolean('isNew', {
        description: 'False when the same content was already recorded.',
      }),
    }),
  });

/** Checks an input, then records it in one transaction. */
const record = async <Source, Value>(
  context: Context,
  source: Source,
  check: (source: Source, path: readonly string[], issues: Issues) => void,
  write: (transaction: Transaction, source: Source) => Promise<Recorded<Value>>,
): Promise<Recorded<Value>> => {
  const issues = collectIssues();
  check(source, ['input'], issues);
  assertNoIssues(issues.list);
  const recorded = await inTransaction(context.database, (transaction) =>
    write(transaction, source),
  );
  // One request may record twice, and read in between.
  locationsOf(context).clearAll();
  return recorded;
};

/** What may have waited for a schema. */
export const featureSchemaKeys = ({
  name,
  semver,
  digest,
}: Pick<FeatureSchema, 'name' | 'semver' | 'digest'>): readonly string[] => [
  `featureSchema:digest:${digest}`,
  `featureSchema:release:${name}@${semver}`,
];

const description = (what: string): string =>
  `Records ${what} by itself. Idempotent: the same content returns the object already recorded.`;

builder.mutationFields((t) => ({
  recordCodeCommit: t.field({
    extensions: needs('registry:write'),
    type: payload('RecordCodeCommitPayload', CodeCommitRef, 'commit'),
    nullable: true,
    description: description('a commit'),
    errors: { types: [InvalidInputError, EvidenceConflictError] },
    args: { input: t.arg({ type: CodeCommitInput, required: true, description: 'The commit.' }) },
    resolve: (_, { input }, context) =>
      record(context, input, checkCommit, async (transaction, source) => {
        const { commit, isNew } = await recordCommit(transaction, source, ['input']);
        return { object: commit, isNew };
      }),
  }),
  recordFeatureSchema: t.field({
    extensions: needs('registry:write'),
    type: payload('RecordFeatureSchemaPayload', FeatureSchemaRef, 'featureSchema'),
    nullable: true,
    description: description('a feature schema'),
    errors: { types: [InvalidInputError, EvidenceConflictError] },
    args: {
      input: t.arg({ type: FeatureSchemaInput, required: true, description: 'The schema.' }),
    },
    resolve: async (_, { input }, context) => {
      const recorded = await record(
        context,
        input,
        checkFeatureSchema,
        async (transaction, source) => {
          const { schema, isNew } = await recordFeatureSchema(transaction, source, ['input']);
          return { object: schema, isNew };
        },
      );
      await announceRecorded(context.database, featureSchemaKeys(recorded.object));
      return recorded;
    },
  }),
  recordDatasetSnapshot: t.field({
    extensions: needs('registry:write'),
    type: payload('RecordDatasetSnapshotPayload', DatasetSnapshotRef, 'snapshot'),
    nullable: true,
    description: description('a dataset snapshot'),
    errors: { types: [InvalidInputError, NotFoundError] },
    args: {
      input: t.arg({ type: DatasetSnapshotInput, required: true, description: 'The snapshot.' }),
    },
    resolve: async (_, { input }, context) => {
      const { object, isNew } = await record(
        context,
        input,
        checkSnapshot,
        async (transaction, source) => {
          const { snapshot, isNew } = await recordSnapshot(transaction, source, ['input']);
          return { object: snapshot.id, isNew };
        },
      );
      const snapshot = await datasetSnapshotById(context.database).load(object);
      return { object: referenced(snapshot), isNew };
    },
  }),
  recordRuntimeEnvironment: t.field({
    extensions: needs('registry:write'),
    type: payload('RecordRuntimeEnvironmentPayload', RuntimeEnvironmentRef, 'environment'),
    nullable: true,
    description: description('an environment'),
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({
        type: RuntimeEnvironmentInput,
        required: true,
        description: 'The environment.',
      }),
    },
    resolve: (_, { input }, context) =>
      record(context, input, checkEnvironment, async (transaction, source) => {
        const { environment, isNew } = await recordEnvironment(transaction, source);
        return { object: environment, isNew };
      }),
  }),
  recordArtifact: t.field({
    extensions: needs('registry:write'),
    type: payload('RecordArtifactPayload', ArtifactRef, 'artifact'),
    nullable: true,
    description: description('a stored file'),
    errors: { types: [InvalidInputError, EvidenceConflictError] },
    args: { input: t.arg({ type: ArtifactInput, required: true, description: 'The file.' }) },
    resolve: (_, { input }, context) =>
      record(context, input, checkArtifact, async (transaction, source) => {
        const { artifact, isNew } = await recordArtifact(transaction, source, ['input']);
        return { object: artifact, isNew };
      }),
  }),
}));
