import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { LogWeek } from '../prediction/partitions.ts';

/** How many days predictions stay in the log. */
export interface RetentionPolicy {
  readonly id: number;
  /** Null for all models without a policy of their own. */
  readonly modelId: number | null;
  readonly modelName: string | null;
  readonly keepDays: number;
  readonly reason: string;
  readonly actor: string;
  readonly recordedAt: Instant;
}

/** Policies in force: the last fact of each model, unless it released the one before. The one for all is first. */
export const policiesInForce = (reader: Pick<Session, 'query'>): Promise<RetentionPolicy[]> =>
  reader.query<RetentionPolicy>({
    name: 'policies_in_force',
    text: `SELECT p.id, p.model_id AS "modelId", m.name AS "modelName", p.keep_days AS "keepDays", p.reason, p.actor,
        p.recorded_at AS "recordedAt"
      FROM retention_policy p LEFT JOIN model m ON m.id = p.model_id
      WHERE p.keep_days IS NOT NULL AND NOT EXISTS (SELECT FROM retention_policy later
        WHERE later.model_id IS NOT DISTINCT FROM p.model_id AND later.id > p.id)
      ORDER BY m.name COLLATE "C" NULLS FIRST`,
  });

const DAY = 86_400_000_000;

/** Models that have predictions in a week, as counted. */
const modelsIn = async (
  reader: Pick<Session, 'query'>,
  { from, to }: LogWeek,
): Promise<readonly number[]> => {
  const rows = await reader.query<{ id: number }>({
    name: 'models_in_week',
    text: `SELECT DISTINCT v.model_id AS id FROM prediction_rollup r JOIN model_version v ON v.id = r.model_version_id
      WHERE r.hour >= $1::timestamptz AND r.hour < $2::timestamptz`,
    values: [formatInstant(from), formatInstant(to)],
  });
  return rows.map(({ id }) => id);
};

/**
 * When the retention of the last model in a week is over: its rows share one partition, which goes as a whole. Null
 * when one of them stays for ever, and for a week without predictions.
 */
export const weekExpiresAt = async (
  reader: Pick<Session, 'query'>,
  week: LogWeek,
  policies: readonly RetentionPolicy[],
): Promise<Instant | null> => {
  const daysOf = new Map(policies.map(({ modelId, keepDays }) => [modelId, keepDays]));
  const models = await modelsIn(reader, week);
  const days = models.map((id) => daysOf.get(id) ?? daysOf.get(null) ?? Number.POSITIVE_INFINITY);
  const longest = Math.max(-1, ...days);
  return longest < 0 || !Number.isFinite(longest) ? null : week.to + longest * DAY;
};
