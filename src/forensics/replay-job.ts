import type { ReplayJobState } from '../generated/prisma/enums.ts';
import type { Scope } from '../platform/context.ts';
import type { Session } from '../platform/database.ts';
import type { Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';
import type { ReplayOptions } from './replay.ts';
import type { Decision } from './replay-summary.ts';

/** Most predictions that one job runs again. */
export const MAX_JOB_PREDICTIONS = 1_000_000;

/** Predictions that are run again in the background. */
export interface ReplayJob {
  readonly id: string;
  readonly state: ReplayJobState;
  /** The filter as JSON; null when it named an entity that was erased. */
  readonly filter: string | null;
  /** Null when each goes through the version that answered it. */
  readonly targetVersionId: number | null;
  readonly decision: Decision | null;
  readonly options: ReplayOptions;
  readonly rowLimit: number;
  readonly actor: string;
  /** What its creator might do, and so the job may. */
  readonly scopes: readonly Scope[];
  readonly attempted: number;
  /** Cursor of the last prediction that is done; null before the first. */
  readonly place: string | null;
  readonly failure: string | null;
  readonly runnerIdentity: string | null;
  readonly createdAt: Instant;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
}

interface Row {
  readonly id: string;
  readonly state: ReplayJobState;
  readonly filter: string | null;
  readonly target_version_id: number | null;
  readonly threshold: number | null;
  readonly label_above: string | null;
  readonly label_otherwise: string | null;
  readonly accept_other_meanings: boolean;
  readonly runner: ReplayOptions['runner'];
  readonly row_limit: number;
  readonly actor: string;
  readonly scopes: Scope[];
  readonly attempted: number;
  readonly place: string | null;
  readonly failure: string | null;
  readonly runner_identity: string | null;
  readonly created_at: Instant;
  readonly started_at: Instant | null;
  readonly ended_at: Instant | null;
}

const COLUMNS = `id::text AS id, state::text AS state, filter, target_version_id, threshold, label_above, label_otherwise,
  accept_other_meanings, runner, row_limit, actor, scopes, attempted, place, failure, runner_identity, created_at,
  started_at, ended_at`;

const decisionOf = ({ threshold, label_above: above, label_otherwise: otherwise }: Row) =>
  threshold === null || above === null || otherwise === null
    ? null
    : { threshold, above, otherwise };

const jobOf = (row: Row): ReplayJob => ({
  id: row.id,
  state: row.state,
  filter: row.filter,
  targetVersionId: row.target_version_id,
  decision: decisionOf(row),
  options: { acceptOtherMeanings: row.accept_other_meanings, runner: row.runner },
  rowLimit: row.row_limit,
  actor: row.actor,
  scopes: row.scopes,
  attempted: row.attempted,
  place: row.place,
  failure: row.failure,
  runnerIdentity: row.runner_identity,
  createdAt: row.created_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
});

type Reader = Pick<Session, 'query'>;

/** Runs a statement that ends in what a job has; null when it touched none. */
const oneJob = async (
  reader: Reader,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<ReplayJob | null> => {
  const [row] = await reader.query<Row>({ name, text, values });
  return row === undefined ? null : jobOf(row);
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const replayJobById = (reader: Reader, id: string): Promise<ReplayJob | null> =>
  UUID.test(id)
    ? oneJob(reader, 'replay_job', `SELECT ${COLUMNS} FROM replay_job WHERE id = $1::text::uuid`, [
        id,
      ])
    : Promise.resolve(null);

export const insertReplayJob = (
  reader: Reader,
  job: Pick<
    ReplayJob,
    'id' | 'filter' | 'targetVersionId' | 'decision' | 'options' | 'rowLimit' | 'actor' | 'scopes'
  >,
): Promise<ReplayJob | null> =>
  oneJob(
    reader,
    'insert_replay_job',
    `INSERT INTO replay_job (id, state, filter, target_version_id, threshold, label_above, label_otherwise,
        accept_other_meanings, runner, row_limit, actor, scopes, created_at)
      VALUES ($1::text::uuid, 'QUEUED', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[], clock_timestamp())
      RETURNING ${COLUMNS}`,
    [
      job.id,
      job.filter,
      job.targetVersionId,
      job.decision?.threshold ?? null,
      job.decision?.above ?? null,
      job.decision?.otherwise ?? null,
      job.options.acceptOtherMeanings,
      job.options.runner,
      job.rowLimit,
      job.actor,
      job.scopes,
    ],
  );

/** Takes the oldest job that waits, or whose worker fell silent; null when there is none. A clock that was set back hides no silence. */
export const claimReplayJob = (reader: Reader, worker: string): Promise<ReplayJob | null> =>
  oneJob(
    reader,
    'claim_replay_job',
    `UPDATE replay_job SET state = 'RUNNING', worker = $1::text::uuid, heartbeat_at = clock_timestamp(),
        started_at = coalesce(started_at, clock_timestamp())
      WHERE id = (SELECT id FROM replay_job
        WHERE state = 'QUEUED' OR (state = 'RUNNING' AND NOT heartbeat_at BETWEEN
          clock_timestamp() - interval '30 seconds' AND clock_timestamp() + interval '30 seconds')
        ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING ${COLUMNS}`,
    [worker],
  );

/** Notes how far a job is; null when it is not this worker's any more. */
export const advanceReplayJob = (
  reader: Reader,
  worker: string,
  { id, attempted, place, runnerIdentity }: ReplayJob,
): Promise<ReplayJob | null> =>
  oneJob(
    reader,
    'advance_replay_job',
    `UPDATE replay_job SET attempted = $3, place = $4, runner_identity = $5, heartbeat_at = clock_timestamp()
      WHERE id = $1::text::uuid AND worker = $2::text::uuid AND state = 'RUNNING' RETURNING ${COLUMNS}`,
    [id, worker, attempted, place, runnerIdentity],
  );

/** Tells that this worker is still at a job, so that no other takes it over. */
export const keepReplayJob = async (reader: Reader, worker: string, id: string): Promise<void> => {
  await reader.query({
    name: 'keep_replay_job',
    text: `UPDATE replay_job SET heartbeat_at = clock_timestamp()
      WHERE id = $1::text::uuid AND worker = $2::text::uuid AND state = 'RUNNING'`,
    values: [id, worker],
  });
};

/** Ends a job of this worker. */
export const endReplayJob = async (
  reader: Reader,
  worker: string,
  id: string,
  failure: string | null,
): Promise<void> => {
  await reader.query({
    name: 'end_replay_job',
    text: `UPDATE replay_job SET state = CASE WHEN $3::text IS NULL THEN 'DONE' ELSE 'FAILED' END::replay_job_state,
        failure = $3, ended_at = clock_timestamp()
      WHERE id = $1::text::uuid AND worker = $2::text::uuid AND state = 'RUNNING'`,
    values: [id, worker, failure],
  });
};

/** Gives up a job, so that another worker goes on with it at once. */
export const yieldReplayJob = async (reader: Reader, worker: string, id: string): Promise<void> => {
  await reader.query({
    name: 'yield_replay_job',
    text: `UPDATE replay_job SET heartbeat_at = to_timestamp(0)
      WHERE id = $1::text::uuid AND worker = $2::text::uuid AND state = 'RUNNING'`,
    values: [id, worker],
  });
};

/** Ends a job that is not over. Its worker finds out when it next notes how far it is. */
export const cancelReplayJob = (reader: Reader, id: string): Promise<ReplayJob | null> =>
  UUID.test(id)
    ? oneJob(
        reader,
        'cancel_replay_job',
        `UPDATE replay_job SET state = 'CANCELLED', ended_at = clock_timestamp()
          WHERE id = $1::text::uuid AND state IN ('QUEUED', 'RUNNING') RETURNING ${COLUMNS}`,
        [id],
      )
    : Promise.resolve(null);

/** Jobs in the order of a page: the newest first, or the oldest when it goes backward. */
export const replayJobPage = async (
  reader: Reader,
  { limit, isBackward, from }: PageRequest,
): Promise<readonly ReplayJob[]> => {
  const [operator, order] = isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const [id = null] = from ?? [];
  const rows = await reader.query<Row>({
    name: `replay_job_page_${order}`,
    text: `SELECT ${COLUMNS} FROM replay_job j
      WHERE $1::text IS NULL OR (j.created_at, j.id) ${operator}
        (SELECT created_at, id FROM replay_job WHERE id::text = $1)
      ORDER BY j.created_at ${order}, j.id ${order} LIMIT $2`,
    values: [id, limit + 1],
  });
  return rows.map(jobOf);
};
