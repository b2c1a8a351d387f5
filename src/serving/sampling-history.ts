import DataLoader from 'dataloader';
import { type Context, perRequest } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { formatInstant, type Instant, instantOf } from '../platform/instant.ts';
import { numericKey, type PageArguments, pageOf, pageRequest } from '../platform/pagination.ts';
import type { SamplingFact } from './sampling.ts';

const COLUMNS = `f.endpoint_id AS "endpointId", f.sequence, f.rule::text AS rule, f.key::text AS key, f.rate,
  f.valid_from AS "validFrom", f.reason, f.actor, f.recorded_at AS "recordedAt"`;

interface Moment {
  readonly endpointId: number;
  readonly at: Instant;
  /** Only what had been recorded by then counts; null when everything on record does. */
  readonly knownAt: Instant | null;
}

/**
 * The sampling of an endpoint at an instant as believed at another; null when none was declared. One statement a tick,
 * which reads one fact for each, however many there are.
 */
export const samplingAt = perRequest(
  ({ database }: Context) =>
    new DataLoader<Moment, SamplingFact | null, string>(
      async (moments) => {
        const rows = await database.query<SamplingFact & { readonly place: number }>({
          name: 'sampling_at',
          text: `SELECT wanted.place::integer AS place, ${COLUMNS}
            FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[])
              WITH ORDINALITY AS wanted (endpoint_id, at, known_at, place)
            CROSS JOIN LATERAL (SELECT * FROM sampling_fact s
              WHERE s.endpoint_id = wanted.endpoint_id AND s.valid_from <= wanted.at AND s.recorded_at <= wanted.known_at
              ORDER BY s.valid_from DESC, s.sequence DESC LIMIT 1) f`,
          values: [
            moments.map(({ endpointId }) => endpointId),
            moments.map(({ at }) => formatInstant(at)),
            moments.map(({ knownAt }) => (knownAt === null ? 'infinity' : formatInstant(knownAt))),
          ],
        });
        const byPlace = new Map(rows.map(({ place, ...fact }) => [place, fact]));
        return moments.map((_, index) => byPlace.get(index + 1) ?? null);
      },
      { cacheKeyFn: ({ endpointId, at, knownAt }) => `${endpointId} ${at} ${knownAt}` },
    ),
);

/** A fact as Prisma reads or writes it. */
type StoredFact = Omit<SamplingFact, 'validFrom' | 'recordedAt'> & {
  readonly validFrom: Date;
  readonly recordedAt: Date;
};

export const samplingFactOf = (fact: StoredFact): SamplingFact => ({
  ...fact,
  validFrom: instantOf(fact.validFrom),
  recordedAt: instantOf(fact.recordedAt),
});

/** What was declared of an endpoint, the fact recorded last first. */
export const samplingPage = async (
  { database }: Context,
  endpointId: number,
  args: PageArguments,
) => {
  const request = pageRequest(args);
  const [from = null] = numericKey(request, ['integer']) ?? [];
  const rows = await database.prisma.samplingFact.findMany({
    where: {
      endpointId,
      ...(from === null ? {} : { sequence: { [request.isBackward ? 'gt' : 'lt']: from } }),
    },
    orderBy: { sequence: request.isBackward ? 'asc' : 'desc' },
    take: request.limit + 1,
  });
  return pageOf(request, rows.map(samplingFactOf), ({ sequence }) => [String(sequence)]);
};

/** A way in which an endpoint sampled at some moment of a window. */
export type SamplingUsed = Pick<SamplingFact, 'endpointId' | 'rule' | 'key' | 'rate'>;

/**
 * Every different way in which endpoints (all where null) left predictions out at some moment of a half-open window, as
 * believed now; at most `limit` of them. One statement.
 */
export const samplingDuring = async (
  database: Database,
  endpointIds: readonly number[] | null,
  from: Instant | null,
  to: Instant | null,
  limit: number,
): Promise<readonly SamplingUsed[]> =>
  database.query<SamplingUsed>({
    name: 'sampling_during',
    text: `SELECT DISTINCT endpoint_id AS "endpointId", rule::text AS rule, key::text AS key, rate
      FROM (SELECT *, lead(valid_from) OVER (PARTITION BY endpoint_id ORDER BY valid_from) AS valid_to
        FROM (SELECT DISTINCT ON (endpoint_id, valid_from) * FROM sampling_fact
          WHERE $1::int[] IS NULL OR endpoint_id = ANY($1)
          ORDER BY endpoint_id, valid_from, sequence DESC) believed) held
      WHERE rate < 1 AND valid_from < $3::timestamptz AND (valid_to IS NULL OR valid_to > $2::timestamptz)
      ORDER BY 1, 2, 3, 4 LIMIT $4`,
    values: [
      endpointIds,
      from === null ? '-infinity' : formatInstant(from),
      to === null ? 'infinity' : formatInstant(to),
      limit,
    ],
  });
