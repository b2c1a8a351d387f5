import { FeatureSchemaRef, featureSchemaById } from '../evidence/feature-schema.ts';
import { LineageNodeRef } from '../evidence/lineage-node.ts';
import { builder } from '../platform/builder.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { ModelVersionRef, modelVersionById } from '../registry/model-version.ts';
import { EndpointRef, endpointById, routeOf } from '../serving/endpoint.ts';
import type { ArchiveFile } from './archive-index.ts';
import { featuresDigest, lexical } from './feature-lexical.ts';
import { FeatureValueRef } from './feature-value-type.ts';
import { featureValuesOf } from './feature-values.ts';
import { latestOutcome, type PredictionConflict, type PredictionOutcome } from './observations.ts';
import { predictionByIdentity } from './prediction-by-identity.ts';
import { digestText, identityKey, PredictionLogRef, parseIdentityKey } from './prediction-log.ts';
import { storedReadings } from './schema-codec.ts';

export const PredictionOutcomeRef = builder
  .objectRef<PredictionOutcome>('PredictionOutcome')
  .implement({
    description: 'The observed truth for a prediction.',
    fields: (t) => ({
      label: t.exposeString('label', { nullable: true, description: 'Observed label.' }),
      value: t.float({
        nullable: true,
        description: 'Observed numeric value, when it is finite; see `text`.',
        resolve: ({ value }) => (value !== null && Number.isFinite(value) ? value : null),
      }),
      text: t.string({
        nullable: true,
        description: 'Exact text of the observed numeric value: `NaN`, `Infinity`, `-0` included.',
        resolve: ({ value }) => (value === null ? null : lexical('FP64', value)),
      }),
      observedAt: t.expose('observedAt', {
        type: 'DateTime',
        description: 'When the outcome was observed.',
      }),
      recordedAt: t.expose('recordedAt', {
        type: 'DateTime',
        description: 'When Hindcast recorded it.',
      }),
    }),
  });

export const PredictionConflictRef = builder
  .objectRef<PredictionConflict>('PredictionConflict')
  .implement({
    description:
      'A record that arrived with the identity of a stored prediction and other content. Kept as evidence; the stored prediction is unchanged.',
    fields: (t) => ({
      digest: t.field({
        type: 'Digest',
        description: "SHA-256 of the record's content.",
        resolve: ({ digest }) => `sha256:${digest}`,
      }),
      record: t.exposeString('record', { description: 'The record as received: JSON text.' }),
      recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When it arrived.' }),
    }),
  });

const ArchiveFileRef = builder.objectRef<ArchiveFile>('ArchiveFile').implement({
  description:
    'A Parquet file that holds the predictions of one week that were built with one feature schema, after they left the log.',
  fields: (t) => ({
    digest: t.expose('digest', {
      type: 'Digest',
      description: 'SHA-256 of its bytes, as the ledger has it; checked before it is read.',
    }),
    location: t.exposeString('location', { description: 'Store that it was put into.' }),
    partition: t.exposeString('partition', { description: 'Partition of the log that it was.' }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      description: 'When it was recorded and the partition dropped.',
    }),
  }),
});

const PredictionSourceEnum = builder.enumType('PredictionSource', {
  description: 'Where a prediction was read.',
  values: {
    LOG: { description: 'In the log.' },
    ARCHIVE: { description: 'In the file that it was moved to when its retention was over.' },
  } as const,
});

builder.node(PredictionLogRef, {
  description: 'One recorded prediction: immutable, append-only.',
  interfaces: [LineageNodeRef],
  id: { resolve: identityKey, description: 'Opaque global ID.' },
  loadOne: async (key: string, context) => {
    const identity = parseIdentityKey(key);
    const found = identity === null ? null : await predictionByIdentity(context).load(identity);
    return found === null ? null : branded('PredictionLog', found);
  },
  fields: (t) => ({
    displayName: t.string({
      description: 'Endpoint and request ID.',
      resolve: async ({ endpointId, requestId }, _, { database }) =>
        `${routeOf(referenced(await endpointById(database).load(endpointId)))} ${requestId}`,
    }),
    requestId: t.exposeString('requestId', {
      description:
        'ID of the request as its caller knows it. One request may have several predictions: retries, components, shadows, batch items.',
    }),
    source: t.field({
      type: PredictionSourceEnum,
      description: 'Where this record was read: it is the same record in either place.',
      resolve: ({ archive }) => (archive === null ? 'LOG' : 'ARCHIVE'),
    }),
    archiveFile: t.field({
      type: ArchiveFileRef,
      nullable: true,
      description: 'The file that it was read from; null when it is in the log.',
      resolve: ({ archive }) => archive,
    }),
    item: t.exposeInt('item', { description: 'Position within a batched request, from 0.' }),
    traceId: t.exposeString('traceId', {
      nullable: true,
      description: 'W3C trace ID of the request, when the log carries one.',
    }),
    entityKey: t.exposeString('entityKey', {
      nullable: true,
      description: 'What the prediction was about, such as a payment or a flight.',
    }),
    occurredAt: t.expose('occurredAt', {
      type: 'DateTime',
      description: "When the model answered, by the serving system's clock.",
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast stored the record.',
    }),
    digest: t.field({
      type: 'Digest',
      nullable: true,
      description: 'SHA-256 of the record as it is understood; null when its content was erased.',
      resolve: digestText,
    }),
    endpoint: t.field({
      type: EndpointRef,
      description: 'The endpoint that was called.',
      resolve: async ({ endpointId }, _, { database }) =>
        referenced(await endpointById(database).load(endpointId)),
    }),
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The model version that answered.',
      resolve: async ({ modelVersionId }, _, { database }) =>
        referenced(await modelVersionById(database).load(modelVersionId)),
    }),
    featureSchema: t.field({
      type: FeatureSchemaRef,
      description:
        'Schema that the serving pipeline says it built the features with. It is a fact of its own: after an incomplete rollback it differs from `modelVersion.featureSchema`.',
      resolve: async ({ featureSchemaId }, _, { database }) =>
        referenced(await featureSchemaById(database).load(featureSchemaId)),
    }),
    features: t.field({
      type: [FeatureValueRef],
      description:
        'Feature values exactly as the model received them, in schema order, then undeclared ones.',
      args: {
        names: t.arg.stringList({ description: 'Only these features; all when omitted.' }),
      },
      resolve: async (prediction, { names }, context) => {
        const values = await featureValuesOf(context, prediction);
        return values.filter(({ name }) => names == null || names.includes(name));
      },
    }),
    feature: t.field({
      type: FeatureValueRef,
      nullable: true,
      description: 'The value of one feature; null when the record has no such feature.',
      args: { name: t.arg.string({ required: true, description: 'Feature name.' }) },
      resolve: async (prediction, { name }, context) =>
        (await featureValuesOf(context, prediction)).find((value) => value.name === name) ?? null,
    }),
    featuresDigest: t.field({
      type: 'Digest',
      description:
        'SHA-256 over the RFC 8785 form of each feature: name, type, status and exact text. Equal for equal values, whatever the request.',
      resolve: async (prediction, _, { database }) => {
        const schema = referenced(
          await featureSchemaById(database).load(prediction.featureSchemaId),
        );
        return featuresDigest(storedReadings(schema, prediction.features));
      },
    }),
    score: t.float({
      nullable: true,
      description: 'Numeric output, when the model has one and it is finite; see `scoreText`.',
      resolve: ({ score }) => (score !== null && Number.isFinite(score) ? score : null),
    }),
    scoreText: t.string({
      nullable: true,
      description: 'Exact text of the numeric output: `NaN`, `Infinity`, `-0` included.',
      resolve: ({ score }) => (score === null ? null : lexical('FP64', score)),
    }),
    label: t.exposeString('label', {
      nullable: true,
      description: 'Predicted label, when the model has one.',
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Full output, as recorded; null when none was.',
      resolve: ({ output }) => (output === null ? null : parseExactJson(output)),
    }),
    latencyMs: t.exposeFloat('latencyMs', {
      nullable: true,
      description: 'Serving latency in milliseconds, when reported.',
    }),
    samplingRate: t.float({
      description:
        'Rate at which the service kept the record, as it states: it stands for 1 / rate predictions. 1 when it says nothing.',
      resolve: ({ samplingRate }) => samplingRate ?? 1,
    }),
    outcome: t.field({
      type: PredictionOutcomeRef,
      nullable: true,
      description:
        'Observed outcome that holds now: the one observed last; null until one is recorded.',
      resolve: ({ observations }) => latestOutcome(observations.outcomes),
    }),
    outcomes: t.field({
      type: [PredictionOutcomeRef],
      description: 'Every outcome recorded, in the order of recording.',
      resolve: ({ observations }) => [...observations.outcomes],
    }),
    conflicts: t.field({
      type: [PredictionConflictRef],
      description: 'Records with the same identity and other content, in the order of arrival.',
      resolve: ({ observations }) => [...observations.conflicts],
    }),
  }),
});
