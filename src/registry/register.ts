import { EvidenceConflictError } from '../evidence/evidence-conflict.ts';
import { locationsOf } from '../evidence/evidence-location.ts';
import { featureSchemaKeys } from '../evidence/record-evidence.ts';
import { builder } from '../platform/builder.ts';
import { canonicalJson, type JsonValue } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { InvalidInputError, NotFoundError } from '../platform/errors.ts';
import { announceRecorded } from '../platform/events.ts';
import { referenced } from '../platform/immutable-cache.ts';
import { formatInstant, instantOf } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import {
  inTransaction,
  recordedAtIn,
  recordingTime,
  type Transaction,
} from '../platform/transaction.ts';
import { valueChanges } from '../platform/value-change.ts';
import { appendFact } from './lifecycle-history.ts';
import { type Manifest, manifestDigest, manifestText, recipeDigest } from './manifest.ts';
import { appendMetrics, metricsOf } from './metric.ts';
import {
  findModelVersion,
  type ModelVersion,
  ModelVersionRef,
  modelVersionById,
} from './model-version.ts';
import { DigestMismatchError, VersionConflictError } from './register-errors.ts';
import { type Evidence, type Reference, recordEvidence } from './register-evidence.ts';
import {
  checkRegistration,
  RegisterModelVersionInput,
  type RegisterSource,
} from './register-input.ts';
import { FUTURE_TOLERANCE, lockVersion } from './transition.ts';

const manifestOf = (
  input: RegisterSource,
  { commit, featureSchema, environment, datasets, artifacts }: Evidence,
  parent: ModelVersion | null,
): Manifest => ({
  model: input.model,
  semver: input.semver,
  commit: commit.digest,
  featureSchema: featureSchema.digest,
  datasets,
  environment: environment.digest,
  artifacts,
  hyperparameters: canonicalJson(input.hyperparameters ?? {}),
  parent: parent?.digest ?? null,
});

const findParent = async (
  { database }: Context,
  { parent }: RegisterSource,
): Promise<ModelVersion | null> => {
  if (parent == null) return null;
  const found = await findModelVersion(database, parent);
  if (found !== null) return found;
  throw new NotFoundError('The parent is not on record; register it first.', ['input', 'parent']);
};

/** Inserts the version and its links unless the name is taken; returns its row and whether it is new. */
const insertVersion = async (
  transaction: Transaction,
  context: Context,
  input: RegisterSource,
  evidence: Evidence,
  manifest: Manifest,
  parent: ModelVersion | null,
): Promise<Reference & { readonly isNew: boolean }> => {
  const description = input.description ?? null;
  const recordedAt = await recordedAtIn(transaction);
  await transaction.model.createMany({
    data: [{ name: input.model, description, recordedAt }],
    skipDuplicates: true,
  });
  const model = await transaction.model.findUniqueOrThrow({ where: { name: input.model } });
  const { count } = await transaction.modelVersion.createMany({
    data: [
      {
        digest: manifestDigest(manifest),
        recipeDigest: recipeDigest(manifest),
        modelId: model.id,
        semver: input.semver,
        manifest: manifestText(manifest),
        codeCommitId: evidence.commit.id,
        featureSchemaId: evidence.featureSchema.id,
        runtimeEnvironmentId: evidence.environment.id,
        parentId: parent?.id ?? null,
        hyperparameters: manifest.hyperparameters,
        recordedBy: context.actor.name,
        recordedAt,
      },
    ],
    skipDuplicates: true,
  });
  const version = await transaction.modelVersion.findUniqueOrThrow({
    where: { modelId_semver: { modelId: model.id, semver: input.semver } },
    select: { id: true, digest: true },
  });
  if (count === 0) return { ...version, isNew: false };
  await refuseFuture(transaction, input);
  const modelVersionId = version.id;
  await transaction.datasetUse.createMany({
    data: evidence.datasets.map(({ role, id }) => ({
      modelVersionId,
      role,
      datasetSnapshotId: id,
    })),
    skipDuplicates: true,
  });
  await transaction.artifactUse.createMany({
    data: evidence.artifacts.map(({ role, id }) => ({ modelVersionId, role, artifactId: id })),
    skipDuplicates: true,
  });
  await appendFact(transaction, version, [], {
    from: null,
    to: 'REGISTERED',
    reason: 'Registered.',
    actor: context.actor.name,
    occurredAt: input.registeredAt ?? null,
    correctsSequence: null,
  });
  return { ...version, isNew: true };
};

const refuseFuture = async (
  transaction: Transaction,
  { registeredAt }: RegisterSource,
): Promise<void> => {
  const now = instantOf(await recordingTime(transaction));
  if (registeredAt == null || registeredAt <= now + FUTURE_TOLERANCE) return;
  const message = `registeredAt is ${formatInstant(registeredAt)}, more than 5 minutes ahead; register a version when it exists.`;
  throw new InvalidInputError([{ message, path: ['input', 'registeredAt'] }]);
};

interface Registered {
  readonly modelVersion: ModelVersion;
  readonly isNew: boolean;
}

/** Ends a transaction that came second; what holds the name is read afterwards. */
class NameTaken extends Error {
  override readonly name = 'NameTaken';
  readonly versionId: number;
  readonly manifest: Manifest;
  constructor(versionId: number, manifest: Manifest) {
    super('The semantic version is taken by another manifest.');
    this.versionId = versionId;
    this.manifest = manifest;
  }
}

/** Records a version with everything it was made from, in one transaction. */
const registerModelVersion = async (
  context: Context,
  input: RegisterSource,
): Promise<Registered> => {
  checkRegistration(input);
  const { database } = context;
  const parent = await findParent(context, input);
  const work = async (transaction: Transaction) => {
    const evidence = await recordEvidence(transaction, input);
    const manifest = manifestOf(input, evidence, parent);
    const digest = manifestDigest(manifest);
    if (input.expectedDigest != null && input.expectedDigest !== digest) {
      throw new DigestMismatchError(input.expectedDigest, digest, manifestText(manifest));
    }
    const version = await insertVersion(transaction, context, input, evidence, manifest, parent);
    if (version.digest !== digest) throw new NameTaken(version.id, manifest);
    await lockVersion(transaction, version.id);
    await appendMetrics(transaction, version.id, input.metrics, context.actor.name);
    return { ...version, schemaDigest: evidence.featureSchema.digest };
  };
  const { id, isNew, schemaDigest } = await inTransaction(database, work).catch(
    async (error: unknown) => {
      throw error instanceof NameTaken ? await conflict(database, error) : error;
    },
  );
  // One request may register twice, and read in between.
  locationsOf(context).clearAll();
  metricsOf(context).clearAll();
  const modelVersion = referenced(await modelVersionById(database).load(id));
  const schema = input.featureSchema.definition;
  // Also when nothing is new: a process that ended between commit and release left records waiting.
  await announceRecorded(database, [
    ...(schema == null ? [] : featureSchemaKeys({ ...schema, digest: schemaDigest })),
    `modelVersion:digest:${modelVersion.digest}`,
    `modelVersion:release:${input.model}@${input.semver}`,
  ]);
  return { modelVersion, isNew };
};

const conflict = async (
  database: Database,
  { versionId, manifest }: NameTaken,
): Promise<VersionConflictError> => {
  const existing = referenced(await modelVersionById(database).load(versionId));
  const differences = valueChanges(
    JSON.parse(existing.manifest) as JsonValue,
    JSON.parse(manifestText(manifest)) as JsonValue,
  );
  return new VersionConflictError(existing, manifestDigest(manifest), differences);
};

const RegisterModelVersionPayload = builder
  .objectRef<Registered>('RegisterModelVersionPayload')
  .implement({
    description: 'A recorded model version.',
    fields: (t) => ({
      modelVersion: t.field({
        type: ModelVersionRef,
        description: 'The version.',
        resolve: ({ modelVersion }) => modelVersion,
      }),
      isNew: t.exposeBoolean('isNew', {
        description: 'False when the same manifest was already recorded.',
      }),
    }),
  });

builder.mutationField('registerModelVersion', (t) =>
  t.field({
    extensions: needs('registry:write'),
    type: RegisterModelVersionPayload,
    nullable: true,
    description:
      'Records a model version with everything it was made from, in one transaction. Idempotent: the same manifest returns the version already recorded, and adds metrics that are new.',
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        EvidenceConflictError,
        VersionConflictError,
        DigestMismatchError,
      ],
    },
    args: {
      input: t.arg({
        type: RegisterModelVersionInput,
        required: true,
        description: 'The version.',
      }),
    },
    resolve: (_, { input }, context) => registerModelVersion(context, input),
  }),
);
