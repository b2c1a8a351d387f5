import type { Session } from '../platform/database.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import type { PageRequest } from '../platform/pagination.ts';
import type { LoggedCase } from '../prediction/case-chunk.ts';
import { copyNumber, copyText } from '../prediction/copy-text.ts';
import type { NotReplayableReason } from './replay.ts';
import type { ReplayJob } from './replay-job.ts';
import { labelOf, type ReplayedPrediction } from './replay-summary.ts';

/** What the predictions that a job has run so far came to. */
export interface ReplayJobSummary {
  readonly replayed: number;
  readonly exact: number;
  readonly meanShift: number | null;
  readonly largestShift: number | null;
  readonly labelled: number;
  readonly flips: number;
  readonly outcomesKnown: number;
  readonly rightBefore: number;
  readonly rightAfter: number;
  readonly obstacles: readonly { readonly reason: NotReplayableReason; readonly count: number }[];
}

type Reader = Pick<Session, 'query'>;

// NaN equals itself here, as it should: the same answer. A sum of infinities says nothing, so they are left out of it.
const SUMMARY = `SELECT count(score_after)::integer AS replayed,
    count(*) FILTER (WHERE score_after::text = score_before::text)::integer AS exact,
    avg(abs(score_after - score_before)) FILTER (WHERE finite) AS "meanShift",
    max(abs(score_after - score_before)) FILTER (WHERE finite) AS "largestShift",
    count(*) FILTER (WHERE label_after IS NOT NULL AND label_before IS NOT NULL)::integer AS labelled,
    count(*) FILTER (WHERE label_after <> label_before)::integer AS flips,
    count(*) FILTER (WHERE known)::integer AS "outcomesKnown",
    count(*) FILTER (WHERE known AND label_before = outcome)::integer AS "rightBefore",
    count(*) FILTER (WHERE known AND label_after = outcome)::integer AS "rightAfter"
  FROM (SELECT *, score_after IS NOT NULL AND outcome IS NOT NULL AS known,
      abs(score_before) < 1e300 AND abs(score_after) < 1e300 AS finite
    FROM replay_result WHERE job_id = $1::text::uuid) AS result`;

const OBSTACLES = `SELECT obstacle AS reason, count(*)::integer AS count FROM replay_result
  WHERE job_id = $1::text::uuid AND obstacle IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`;

/** Sums up the results of a job, in two statements. */
export const replayJobSummary = async (reader: Reader, id: string): Promise<ReplayJobSummary> => {
  const [summary] = await reader.query<Omit<ReplayJobSummary, 'obstacles'>>({
    name: 'replay_job_summary',
    text: SUMMARY,
    values: [id],
  });
  const obstacles = await reader.query<ReplayJobSummary['obstacles'][number]>({
    name: 'replay_job_obstacles',
    text: OBSTACLES,
    values: [id],
  });
  if (summary === undefined) throw new Error('An aggregate has one row.');
  return { ...summary, obstacles };
};

/** What came of one prediction. */
export interface ReplayResult {
  readonly ordinal: number;
  readonly requestId: string;
  readonly occurredAt: Instant;
  readonly endpointId: number;
  readonly item: number;
  readonly before: number | null;
  readonly after: number | null;
  readonly obstacle: NotReplayableReason | null;
  readonly labelBefore: string | null;
  readonly labelAfter: string | null;
  readonly outcome: string | null;
}

/** Results in the order of a page, which is that of the run: the newest prediction first. */
export const replayResultPage = (
  reader: Reader,
  id: string,
  onlyFlips: boolean,
  { limit, isBackward }: Pick<PageRequest, 'limit' | 'isBackward'>,
  from: number | null,
): Promise<ReplayResult[]> => {
  const [operator, order] = isBackward ? ['<', 'DESC'] : ['>', 'ASC'];
  return reader.query<ReplayResult>({
    name: `replay_results_${onlyFlips ? 'flips' : 'all'}_${order}`,
    text: `SELECT ordinal, request_id AS "requestId", occurred_at AS "occurredAt", endpoint_id AS "endpointId", item,
        score_before AS before, score_after AS after, obstacle, label_before AS "labelBefore",
        label_after AS "labelAfter", outcome
      FROM replay_result WHERE job_id = $1::text::uuid ${onlyFlips ? 'AND label_after <> label_before' : ''}
        AND ($2::integer IS NULL OR ordinal ${operator} $2)
      ORDER BY ordinal ${order} LIMIT $3`,
    values: [id, from, limit + 1],
  });
};

/** One row in COPY's text format. */
const resultLine = (
  { id, decision }: ReplayJob,
  ordinal: number,
  { prediction, after, obstacle }: ReplayedPrediction<LoggedCase>,
): string =>
  [
    id,
    ordinal,
    copyText(prediction.requestId),
    formatInstant(prediction.occurredAt),
    prediction.endpointId,
    prediction.item,
    copyNumber(after === null ? null : prediction.score),
    copyNumber(after),
    copyText(obstacle),
    copyText(prediction.label),
    copyText(after === null || decision === null ? null : labelOf(decision, after)),
    copyText(prediction.outcomeLabel),
  ].join('\t');

/** Keeps the results of the last predictions that a job attempted. */
export const keepReplayResults = async (
  session: Session,
  job: ReplayJob,
  replayed: readonly ReplayedPrediction<LoggedCase>[],
): Promise<void> => {
  if (replayed.length === 0) return;
  const first = job.attempted - replayed.length + 1;
  const lines = replayed.map((one, place) => `${resultLine(job, first + place, one)}\n`);
  await session.copy(
    `replay_result (job_id, ordinal, request_id, occurred_at, endpoint_id, item, score_before, score_after, obstacle,
      label_before, label_after, outcome)`,
    lines.join(''),
  );
};
