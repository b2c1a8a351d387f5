import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { archivedPartitions, CURRENT_ARCHIVE } from '../prediction/archive-index.ts';
import { weekOf } from '../prediction/partitions.ts';
import { splitByHour, type Window } from '../prediction/rollups.ts';
import { PredictionLogConnection } from '../prediction/search.ts';
import type { EvidenceGap } from './finding.ts';
import { EvidenceGapRef } from './finding-type.ts';

interface Row {
  readonly weeks: number;
  readonly predictions: bigint | null;
  readonly first: Instant | null;
  readonly last: Instant | null;
}

/** What of a window was not searched, because it is no longer in the log. */
export const unsearchedGaps = async (
  { database, actor }: Pick<Context, 'database' | 'actor'>,
  { from, to }: Window,
): Promise<readonly EvidenceGap[]> => {
  const [row] = await database.query<Row>({
    name: 'archived_in_window',
    text: `SELECT count(*)::integer AS weeks, sum(row_count)::bigint AS predictions, min(covers_from) AS first, max(covers_to) AS last
      FROM log_archive a WHERE ${CURRENT_ARCHIVE} AND covers_to > coalesce($1::timestamptz, '-infinity')
        AND covers_from < coalesce($2::timestamptz, 'infinity')`,
    values: [from === null ? null : formatInstant(from), to === null ? null : formatInstant(to)],
  });
  if (row === undefined || row.first === null || row.last === null) return [];
  const weeks = row.weeks === 1 ? 'One week' : `${row.weeks} weeks`;
  // Weeks are archived whole: how much they hold tells of every model.
  const size = actor.models === null ? `, with ${row.predictions ?? 0n} predictions in all,` : '';
  const message = `${weeks} between ${formatInstant(row.first)} and ${formatInstant(row.last)}${size} ${row.weeks === 1 ? 'is' : 'are'} archived and not searched. Look a request up by its ID, or bring a week back with \`hindcast restore\`.`;
  return [{ subject: 'predictions', reason: 'EXPIRED', message }];
};

/** Hours that a window cuts are counted from rows: where these are archived, they are in no count. */
export const uncountedGaps = async (
  reader: Pick<Session, 'query'>,
  { from, to }: Window,
): Promise<readonly EvidenceGap[]> => {
  const { ends } = splitByHour(from, to);
  if (ends.length === 0) return [];
  const archived = await archivedPartitions(
    reader,
    ends.map((end) => weekOf(end.from).partition),
  );
  const cut = ends.filter((end) => archived.has(weekOf(end.from).partition));
  return cut.map((end) => ({
    subject: 'predictions',
    reason: 'EXPIRED',
    message: `Predictions from ${formatInstant(end.from)} to ${formatInstant(end.to)} are archived and not counted; give a window of whole hours.`,
  }));
};

builder.objectField(PredictionLogConnection, 'gaps', (t) =>
  t.field({
    type: [EvidenceGapRef],
    description:
      'What of the window that was searched is no longer in the log: archived weeks, whose predictions are on no page and in no count.',
    complexity: 5,
    resolve: async ({ window }, _, context) => [...(await unsearchedGaps(context, window))],
  }),
);
