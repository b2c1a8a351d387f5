import { GraphQLError } from 'graphql';
import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { connectionType, type PageArguments, pageOf, pageRequest } from '../platform/pagination.ts';
import { totalOf } from '../prediction/count-estimate.ts';
import { parameterList } from '../prediction/sql-condition.ts';
import type { Impact } from './impact.ts';

/** Most predictions that are read to list what they were about. */
export const MAX_READ = 1_000_000;

/** An entity that affected predictions were about. */
interface AffectedEntity {
  readonly key: string;
  readonly count: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
}

const AffectedEntityRef = builder.objectRef<AffectedEntity>('AffectedEntity').implement({
  description: 'An entity that affected predictions were about.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Entity key, such as an order.' }),
    predictionCount: t.expose('count', {
      type: 'SafeInt',
      description:
        'Affected predictions about it that are recorded: all of them where sampling is keyed by the entity, a part of them under other sampling.',
    }),
    firstAt: t.expose('firstAt', { type: 'DateTime', description: 'When the first was made.' }),
    lastAt: t.expose('lastAt', { type: 'DateTime', description: 'When the last was made.' }),
  }),
});

export const AffectedEntityConnection = connectionType(
  AffectedEntityRef,
  'AffectedEntity',
  'affected entities',
);

interface Row {
  readonly entity_key: string;
  readonly count: bigint;
  readonly first_at: Instant;
  readonly last_at: Instant;
}

/** The bounds of an impact's predictions, to the microsecond; null when there are none. */
export const extentOf = ({ spans }: Impact): { from: Instant; to: Instant } | null => {
  if (spans.length === 0) return null;
  return {
    from: spans.reduce((first, { firstAt }) => Math.min(first, firstAt), Infinity),
    to: spans.reduce((last, { lastAt }) => Math.max(last, lastAt), -Infinity) + 1,
  };
};

/** Entities in byte order of their keys. One statement, which reads every affected prediction: so many at most. */
export const entityPage = async (
  { database, actor }: Context,
  impact: Impact,
  args: PageArguments,
) => {
  if (!actor.scopes.has('features:sensitive')) {
    throw new GraphQLError(
      'Entity keys need the scope `features:sensitive`, which this caller lacks.',
      {
        extensions: { code: 'FORBIDDEN' },
      },
    );
  }
  const request = pageRequest(args);
  const extent = extentOf(impact);
  const total = totalOf(impact.spans).count;
  if (total > MAX_READ) {
    const message = `${total} predictions are affected; entities are listed of at most ${MAX_READ}. Narrow the window.`;
    refuseArguments([{ path: ['during'], message }]);
  }
  if (extent === null) return pageOf(request, [] as AffectedEntity[], ({ key }) => [key]);
  const { values, parameter } = parameterList();
  const [after] = request.from ?? [];
  const where = [
    impact.condition(parameter),
    `occurred_at >= ${parameter(formatInstant(extent.from), 'timestamptz')}`,
    `occurred_at < ${parameter(formatInstant(extent.to), 'timestamptz')}`,
    'entity_key IS NOT NULL',
    ...(after === undefined
      ? []
      : [`entity_key ${request.isBackward ? '<' : '>'} ${parameter(after, 'text')}`]),
  ];
  const rows = await database.query<Row>({
    text: `SELECT entity_key, count(*) AS count, min(occurred_at) AS first_at, max(occurred_at) AS last_at
      FROM prediction_log WHERE ${where.map((condition) => `(${condition})`).join(' AND ')}
      GROUP BY entity_key ORDER BY entity_key ${request.isBackward ? 'DESC' : 'ASC'} LIMIT ${request.limit + 1}`,
    values,
  });
  const entities = rows.map((row) => ({
    key: row.entity_key,
    count: Number(row.count),
    firstAt: row.first_at,
    lastAt: row.last_at,
  }));
  return pageOf(request, entities, ({ key }) => [key]);
};
