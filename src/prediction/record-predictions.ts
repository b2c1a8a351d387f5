import { FeatureSchemaReferenceInput } from '../evidence/feature-schema-reference.ts';
import { builder } from '../platform/builder.ts';
import { InvalidInputError } from '../platform/errors.ts';
import type { ExactJson } from '../platform/exact-json.ts';
import { ModelVersionReferenceInput } from '../registry/model-version.ts';
import { EndpointReferenceInput } from '../serving/endpoint.ts';
import { appendPredictions } from './append.ts';
import { appendPayload } from './append-payload.ts';
import type { RawLine } from './raw-line.ts';
import { assertRecordCount, endpointMember, lineOf, MAX_RECORDS } from './record-input.ts';
import { UndeclaredFeaturesEnum } from './rejection-code-type.ts';

const PredictionInput = builder.inputType('PredictionInput', {
  description:
    'One prediction to append. What breaks a rule is rejected and kept by itself; the others are stored.',
  fields: (t) => ({
    requestId: t.string({
      required: true,
      description: 'Request ID as its caller knows it: 1 to 1024 bytes.',
    }),
    item: t.int({ description: 'Position within a batched request, from 0; 0 when omitted.' }),
    occurredAt: t.string({
      required: true,
      description:
        'When the model answered: RFC 3339 with a UTC offset, to the microsecond, from 1970 to 24 hours ahead of the server. Plain text, so that a wrong one rejects its record and not the whole call.',
    }),
    endpoint: t.field({
      type: EndpointReferenceInput,
      description: "Endpoint that answered; the input's own when omitted.",
    }),
    modelVersion: t.field({
      type: ModelVersionReferenceInput,
      required: true,
      description: 'Version that answered.',
    }),
    featureSchema: t.field({
      type: FeatureSchemaReferenceInput,
      description: "Schema that the features were built with; the version's own when omitted.",
    }),
    entityKey: t.string({ description: 'What the prediction is about: 1 to 1024 bytes.' }),
    traceId: t.string({
      description: 'ID of the distributed trace, such as a W3C trace ID: 1 to 200 bytes.',
    }),
    features: t.field({
      type: 'JSON',
      required: true,
      description:
        'Feature values by name: `{"distance": 1.5}`, or `{"distance": {"value": 1.5, "observedAt": "2026-04-03T14:00:00Z", "status": "PRESENT"}}`. Floats that JSON lacks are the strings `"NaN"`, `"Infinity"`, `"-Infinity"` and `"-0"`; integers beyond 2^53 may be numbers or strings.',
    }),
    score: t.field({
      type: 'JSON',
      description: 'Numeric output: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` or `"-0"`.',
    }),
    label: t.string({ description: 'Predicted label: at most 1024 bytes.' }),
    output: t.field({ type: 'JSON', description: 'Full output, kept as exact JSON.' }),
    latencyMs: t.float({ description: 'Serving latency in milliseconds, 0 or more.' }),
    samplingRate: t.float({
      description:
        'Share of predictions that the service keeps, of which this is one: more than 0, at most 1; 1 when omitted.',
    }),
  }),
});

const RecordPredictionsInput = builder.inputType('RecordPredictionsInput', {
  description: 'Predictions to append.',
  fields: (t) => ({
    endpoint: t.field({
      type: EndpointReferenceInput,
      description: 'Endpoint of the predictions that name none themselves.',
    }),
    predictions: t.field({
      type: [PredictionInput],
      required: true,
      description: `Predictions in any order, at most ${MAX_RECORDS}; longer lists go to \`POST /v1/predictions\`.`,
    }),
    undeclaredFeatures: t.field({
      type: UndeclaredFeaturesEnum,
      defaultValue: 'reject',
      description: 'What to do with features that the schema does not declare.',
    }),
  }),
});

type Input = typeof RecordPredictionsInput.$inferInput;
type Prediction = typeof PredictionInput.$inferInput;

const predictionLine = (input: Input, prediction: Prediction, line: number): RawLine => {
  const { modelVersion, featureSchema } = prediction;
  const digest = modelVersion.id?.id ?? modelVersion.digest;
  const schema = featureSchema?.digest ?? featureSchema?.release;
  return lineOf(
    {
      ...prediction,
      endpoint: endpointMember(prediction.endpoint ?? input.endpoint),
      modelVersion:
        digest ?? (modelVersion.release == null ? undefined : { ...modelVersion.release }),
      featureSchema: typeof schema === 'object' && schema !== null ? { ...schema } : schema,
      // The scalar gives any JSON, integers beyond 2^53 as bigint.
      features: prediction.features as ExactJson,
      score: prediction.score as ExactJson | undefined,
      output: prediction.output as ExactJson | undefined,
    },
    line,
  );
};

builder.mutationField('recordPredictions', (t) =>
  t.field({
    type: appendPayload('RecordPredictionsPayload', 'predictions'),
    nullable: true,
    description:
      'Appends predictions to the log, all in one transaction. Sending them again changes nothing.',
    errors: { types: [InvalidInputError] },
    args: {
      input: t.arg({
        type: RecordPredictionsInput,
        required: true,
        description: 'The predictions.',
      }),
    },
    resolve: (_, { input }, { database }) => {
      assertRecordCount('predictions', input.predictions.length, '/v1/predictions');
      const lines = input.predictions.map((one, index) => predictionLine(input, one, index));
      const { undeclaredFeatures } = input;
      return appendPredictions(database, lines, {
        undeclaredFeatures: undeclaredFeatures ?? 'reject',
      });
    },
  }),
);
