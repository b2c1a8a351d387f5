import type { Session } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import { LOG_COLUMN_LIST, type LogRow } from '../prediction/log-columns.ts';
import type { LogWeek } from '../prediction/partitions.ts';

/** Rows read by one statement: few enough that others have their turn on the one connection of an embedded database. */
const CHUNK = 4096;

/** Hands the rows of a partition to `take` in pieces, in the order of their identity. */
export const readPartition = async (
  session: Pick<Session, 'query'>,
  { partition }: LogWeek,
  take: (rows: readonly LogRow[]) => void | Promise<void>,
): Promise<void> => {
  let after: readonly unknown[] = [];
  for (;;) {
    const beyond =
      after.length === 0
        ? ''
        : 'WHERE (request_id, occurred_at, endpoint_id, item) > ($1::text, $2::timestamptz, $3::int, $4::int)';
    const rows = await session.query<LogRow>({
      text: `SELECT ${LOG_COLUMN_LIST} FROM ${partition} ${beyond}
        ORDER BY request_id, occurred_at, endpoint_id, item LIMIT ${CHUNK}`,
      values: after,
    });
    const last = rows.at(-1);
    if (last === undefined) return;
    await take(rows);
    if (rows.length < CHUNK) return;
    after = [
      last.request_id,
      formatInstant(last.occurred_at as number),
      last.endpoint_id,
      last.item,
    ];
  }
};
