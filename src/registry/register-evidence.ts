import { recordArtifact } from '../evidence/artifact.ts';
import { recordCommit } from '../evidence/code-commit-record.ts';
import { recordSnapshot } from '../evidence/dataset-snapshot-record.ts';
import { recordFeatureSchema } from '../evidence/feature-schema-record.ts';
import { recordEnvironment } from '../evidence/runtime-environment.ts';
import { NotFoundError } from '../platform/errors.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { RegisterSource } from './register-input.ts';

export interface Reference {
  readonly id: number;
  readonly digest: string;
}

interface Source<Definition> {
  readonly digest?: string | null;
  readonly definition?: Definition | null;
}

/** The evidence that a source names: found by its digest, or recorded from its definition. */
const referenceTo = async <Definition>(
  { digest, definition }: Source<Definition>,
  path: readonly string[],
  find: (digest: string) => Promise<Reference | null>,
  record: (definition: Definition, path: readonly string[]) => Promise<Reference>,
): Promise<Reference> => {
  if (definition != null) return record(definition, [...path, 'definition']);
  const found = await find(digest ?? '');
  if (found !== null) return found;
  throw new NotFoundError(
    `Nothing of this kind is on record as ${digest}; record it first, or give it in full.`,
    [...path, 'digest'],
  );
};

const byDigest = (digest: string) => ({
  where: { digest },
  select: { id: true, digest: true },
});

/** Everything a version is made from, recorded or found. */
export const recordEvidence = async (transaction: Transaction, input: RegisterSource) => {
  const commit = await referenceTo(
    input.commit,
    ['input', 'commit'],
    (digest) => transaction.codeCommit.findUnique(byDigest(digest)),
    async (definition, path) => (await recordCommit(transaction, definition, path)).commit,
  );
  const featureSchema = await referenceTo(
    input.featureSchema,
    ['input', 'featureSchema'],
    (digest) => transaction.featureSchema.findUnique(byDigest(digest)),
    async (definition, path) => (await recordFeatureSchema(transaction, definition, path)).schema,
  );
  const environment = await referenceTo(
    input.environment,
    ['input', 'environment'],
    (digest) => transaction.runtimeEnvironment.findUnique(byDigest(digest)),
    async (definition) => (await recordEnvironment(transaction, definition)).environment,
  );
  const datasets = [];
  for (const [index, { role, snapshot }] of input.datasets.entries()) {
    const found = await referenceTo(
      snapshot,
      ['input', 'datasets', String(index), 'snapshot'],
      (digest) => transaction.datasetSnapshot.findUnique(byDigest(digest)),
      async (definition, path) => (await recordSnapshot(transaction, definition, path)).snapshot,
    );
    datasets.push({ role, ...found });
  }
  const artifacts = [];
  for (const [index, { role, artifact }] of input.artifacts.entries()) {
    const found = await referenceTo(
      artifact,
      ['input', 'artifacts', String(index), 'artifact'],
      (digest) => transaction.artifact.findUnique(byDigest(digest)),
      async (definition, path) => (await recordArtifact(transaction, definition, path)).artifact,
    );
    artifacts.push({ role, ...found });
  }
  return { commit, featureSchema, environment, datasets, artifacts };
};

export type Evidence = Awaited<ReturnType<typeof recordEvidence>>;
