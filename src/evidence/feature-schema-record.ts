import { canonicalJson, digestOf, type JsonValue } from '../platform/canonical-json.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';
import { valueChanges } from '../platform/value-change.ts';
import { digestOfCommit, recordCommit } from './code-commit-record.ts';
import { EvidenceConflictError } from './evidence-conflict.ts';
import type { FeatureFieldDefinition } from './feature-field.ts';
import { type FeatureSchema, findFeatureSchemas } from './feature-schema.ts';
import type { FeatureSchemaSourceInput } from './feature-schema-input.ts';

/** The canonical content that a schema's digest covers. */
export const featureSchemaContent = ({
  name,
  semver,
  fields,
}: Pick<FeatureSchema, 'name' | 'semver' | 'fields'>): JsonValue => ({
  name,
  semver,
  fields: fields.map((field) => ({
    name: field.name,
    type: field.type,
    isNullable: field.isNullable,
    shape: field.shape,
    categories: field.categories,
    default: field.defaultValue === null ? null : (JSON.parse(field.defaultValue) as JsonValue),
    maxAgeSeconds: field.maxAgeSeconds,
    isSensitive: field.isSensitive,
    description: field.description,
    transformations: field.transformations.map((step) => ({
      function: step.function,
      version: step.version,
      inputs: step.inputs,
      parameters: JSON.parse(step.parameters) as JsonValue,
      commit: step.codeCommit,
    })),
  })),
});

/** The fields of a checked input. */
export const fieldsOf = ({ fields }: FeatureSchemaSourceInput): readonly FeatureFieldDefinition[] =>
  fields.map((field, position) => ({
    name: field.name,
    position,
    type: field.type,
    isNullable: field.isNullable,
    shape: field.shape,
    categories: field.categories ?? null,
    defaultValue: field.default == null ? null : canonicalJson(field.default),
    maxAgeSeconds: field.maxAgeSeconds ?? null,
    isSensitive: field.isSensitive,
    description: field.description ?? null,
    transformations: field.transformations.map((step) => ({
      function: step.function,
      version: step.version,
      inputs: step.inputs,
      parameters: canonicalJson(step.parameters ?? {}),
      codeCommit: step.commit == null ? null : digestOfCommit(step.commit),
    })),
  }));

/** Records a checked schema; the same name and version with other content is refused. */
export const recordFeatureSchema = async (
  transaction: Transaction,
  source: FeatureSchemaSourceInput,
  path: readonly string[],
): Promise<{ readonly schema: FeatureSchema; readonly isNew: boolean }> => {
  const { name, semver } = source;
  const fields = fieldsOf(source);
  const content = featureSchemaContent({ name, semver, fields });
  const digest = digestOf(content);
  const { count } = await transaction.featureSchema.createMany({
    data: [{ digest, name, semver, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
  const [existing] = await findFeatureSchemas(transaction, { OR: [{ name, semver }] });
  if (existing === undefined) throw new Error('The schema just recorded is not there.');
  if (existing.digest !== digest) throw conflict(existing, content, digest, path);
  // Also of a schema on record: what is said of its commits may contradict what was said before.
  const commitIds = await recordCommits(transaction, source, path);
  if (count === 0) return { schema: existing, isNew: false };
  await insertFields(transaction, existing.id, fields, commitIds);
  return { schema: { ...existing, fields }, isNew: true };
};

const conflict = (
  existing: FeatureSchema,
  content: JsonValue,
  digest: string,
  path: readonly string[],
): EvidenceConflictError =>
  new EvidenceConflictError(
    `Feature schema ${existing.name} ${existing.semver} is on record with other content. Give the changed schema another version.`,
    [...path, 'semver'],
    { existing: existing.digest, submitted: digest },
    valueChanges(featureSchemaContent(existing), content),
  );

/** Records the commits of all transformations, each description once; returns their IDs by digest. */
const recordCommits = async (
  transaction: Transaction,
  source: FeatureSchemaSourceInput,
  path: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const commitIds = new Map<string, number>();
  const seen = new Set<string>();
  for (const [index, field] of source.fields.entries()) {
    for (const [step, { commit }] of field.transformations.entries()) {
      if (commit == null || seen.has(JSON.stringify(commit))) continue;
      seen.add(JSON.stringify(commit));
      const place = [...path, 'fields', String(index), 'transformations', String(step), 'commit'];
      const recorded = await recordCommit(transaction, commit, place);
      commitIds.set(recorded.commit.digest, recorded.commit.id);
    }
  }
  return commitIds;
};

/** Prisma would divide more into statements that it sends at once, on the one connection of a transaction. */
const ROWS_AT_ONCE = 1000;

const inTurn = async <Row>(
  rows: readonly Row[],
  insert: (data: Row[]) => Promise<unknown>,
): Promise<void> => {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    await insert(rows.slice(at, at + ROWS_AT_ONCE));
  }
};

const insertFields = async (
  transaction: Transaction,
  featureSchemaId: number,
  fields: readonly FeatureFieldDefinition[],
  commitIds: ReadonlyMap<string, number>,
): Promise<void> => {
  await inTurn(
    fields.map(({ transformations: _, categories, shape, ...field }) => ({
      ...field,
      featureSchemaId,
      shape: [...shape],
      hasCategories: categories !== null,
      categories: [...(categories ?? [])],
    })),
    (data) => transaction.featureField.createMany({ data }),
  );
  await inTurn(
    fields.flatMap(({ position: fieldPosition, transformations }) =>
      transformations.map(({ codeCommit, inputs, ...step }, position) => ({
        ...step,
        featureSchemaId,
        fieldPosition,
        position,
        inputs: [...inputs],
        codeCommitId: codeCommit === null ? null : (commitIds.get(codeCommit) ?? null),
      })),
    ),
    (data) => transaction.featureTransformation.createMany({ data }),
  );
};
