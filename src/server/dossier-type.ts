import { readFile } from 'node:fs/promises';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { noteSensitiveRead } from '../access/sensitive-read.ts';
import { dossierOf } from '../ledger/dossier.ts';
import { builder } from '../platform/builder.ts';
import { digestOfBytes } from '../platform/canonical-json.ts';
import type { Context } from '../platform/context.ts';
import { needs } from '../platform/needs.ts';
import { identityKey, type PredictionLog } from '../prediction/prediction-log.ts';
import { findPrediction, PredictionLogReferenceInput } from '../prediction/prediction-reference.ts';
import { OPERATIONS_FOLDER } from './operations.ts';

interface Dossier {
  readonly requestId: string;
  readonly envelope: string;
}

const DossierRef = builder.objectRef<Dossier>('Dossier').implement({
  description:
    'One file that proves a prediction without this server: an in-toto statement (v1) in a DSSE envelope, with the trace, the record, the manifests of all it was made of, the histories, an inclusion proof of each under one signed checkpoint, and the public keys. `hindcast verify FILE` checks it, and so does examples/verify-dossier.mjs.',
  fields: (t) => ({
    envelope: t.exposeString('envelope', {
      description: 'The file: JSON of a DSSE envelope (application/vnd.dsse.envelope.v1+json).',
    }),
    fileName: t.string({
      description: 'A name for the file.',
      resolve: ({ requestId }) =>
        `${requestId.replaceAll(/[^\w.-]/g, '-').slice(0, 100)}.dossier.json`,
    }),
    digest: t.field({
      type: 'Digest',
      description: 'SHA-256 of `envelope` in UTF-8.',
      resolve: ({ envelope }) => digestOfBytes(envelope),
    }),
  }),
});

/** The trace as anybody gets it who asks. */
const traceOf = async (
  schema: GraphQLSchema,
  context: Context,
  prediction: PredictionLog,
): Promise<unknown> => {
  const operation = await readFile(`${OPERATIONS_FOLDER}/trace.graphql`, 'utf8');
  const { data, errors } = await execute({
    schema,
    document: parse(operation),
    contextValue: context,
    variableValues: {
      prediction: { id: encodeGlobalID('PredictionLog', identityKey(prediction)) },
    },
  });
  if (errors?.[0] !== undefined) throw errors[0];
  return data?.trace ?? null;
};

builder.queryField('dossier', (t) =>
  t.field({
    extensions: needs('predictions:read', 'registry:read', 'features:sensitive'),
    type: DossierRef,
    nullable: true,
    description:
      'Everything about one prediction in one signed file that verifies offline; null when there is no such prediction. Seals what is pending first.',
    complexity: 500,
    args: {
      prediction: t.arg({
        type: PredictionLogReferenceInput,
        required: true,
        description: 'The prediction.',
      }),
    },
    resolve: async (_, args, context, { schema }) => {
      const prediction = await findPrediction(context, args.prediction);
      if (prediction === null) return null;
      noteSensitiveRead(context, 'DOSSIER', prediction.requestId);
      const trace = await traceOf(schema, context, prediction);
      const envelope = await dossierOf(context, prediction, trace);
      return { requestId: prediction.requestId, envelope: JSON.stringify(envelope) };
    },
  }),
);
