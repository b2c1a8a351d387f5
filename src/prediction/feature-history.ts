import { GraphQLError } from 'graphql';
import { maySeeSensitive, noteSensitiveRead } from '../access/sensitive-read.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import {
  connectionType,
  type PageArguments,
  pageArguments,
  pageCost,
  pageRequest,
} from '../platform/pagination.ts';
import { FeatureValueRef } from './feature-value-type.ts';
import { type FeatureValue, featureValuesOf } from './feature-values.ts';
import { hasKey } from './hashed-key.ts';
import { type PredictionLog, PredictionLogRef } from './prediction-log.ts';
import { searchPage } from './search-page.ts';
import type { Condition } from './sql-condition.ts';

/** The value of one feature in one of an entity's predictions. */
interface FeatureHistoryPoint {
  readonly prediction: PredictionLog;
  /** Null when that record has no such feature. */
  readonly value: FeatureValue | null;
}

const FeatureHistoryPointRef = builder
  .objectRef<FeatureHistoryPoint>('FeatureHistoryPoint')
  .implement({
    extensions: needs('predictions:read'),
    description: "The value of one feature in one of an entity's predictions.",
    fields: (t) => ({
      prediction: t.field({
        type: PredictionLogRef,
        description: 'The prediction.',
        resolve: ({ prediction }) => prediction,
      }),
      value: t.field({
        type: FeatureValueRef,
        nullable: true,
        description:
          'The value, read with the schema of that record; null when it has no such feature.',
        resolve: ({ value }) => value,
      }),
    }),
  });

const FeatureHistoryConnection = connectionType(
  FeatureHistoryPointRef,
  'FeatureHistory',
  'values of one feature',
);

const historyPage = async (
  context: Context,
  { entityKey, occurredAt, requestId }: PredictionLog,
  name: string,
  args: PageArguments,
) => {
  if (!maySeeSensitive(context)) {
    throw new GraphQLError(
      'To follow an entity needs the scope `features:sensitive`, which this caller lacks.',
      { extensions: { code: 'FORBIDDEN', scopes: ['features:sensitive'] } },
    );
  }
  if (entityKey === null) {
    const message = 'The prediction names no entity, so there is nothing to follow.';
    throw argumentError({ path: ['featureHistory'], message });
  }
  noteSensitiveRead(context, 'ENTITY_KEY', requestId);
  const condition: Condition = (parameter) => `${hasKey('entity_key', parameter(entityKey, 'text'))}
      AND l.occurred_at <= ${parameter(formatInstant(occurredAt), 'timestamptz')}`;
  const page = await searchPage(
    context.database,
    { condition, versions: null },
    { field: 'OCCURRED_AT', direction: 'DESC' },
    pageRequest(args),
  );
  const edges = page.edges.map(async ({ cursor, node: prediction }) => {
    const values = await featureValuesOf(context, prediction);
    const value = values.find((one) => one.name === name) ?? null;
    return { cursor, node: { prediction, value } };
  });
  return { ...page, edges: await Promise.all(edges) };
};

builder.objectField(PredictionLogRef, 'featureHistory', (t) =>
  t.field({
    type: FeatureHistoryConnection,
    description:
      'The value of a feature over the predictions about the same entity, on any endpoint: this one and those before it, newest first. One statement. Needs the scope `features:sensitive`.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      name: t.arg.string({ required: true, description: 'Feature name.' }),
    },
    resolve: (prediction, { name, ...args }, context) =>
      historyPage(context, prediction, name, args),
  }),
);
