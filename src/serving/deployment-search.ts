import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { branded } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import { needs } from '../platform/needs.ts';
import {
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { pickedDeployments } from './deployment-history.ts';
import {
  type DeploymentSearch,
  DeploymentSearchFilter,
  resolveDeploymentSearch,
} from './deployment-search-filter.ts';
import { DeploymentConnection } from './endpoint-type.ts';
import type { DeploymentBelief, DeploymentHistory } from './timeline.ts';

// The last fact recorded by $1 is what was believed then.
const BELIEFS = `deployment d
  JOIN endpoint e ON e.id = d.endpoint_id JOIN model_version v ON v.id = d.model_version_id
  CROSS JOIN LATERAL (SELECT f.* FROM deployment_fact f
    WHERE f.deployment_id = d.id AND f.recorded_at <= $1 ORDER BY f.sequence DESC LIMIT 1) b`;

// The later of both clocks, and never before the fact itself was recorded.
const NOW = 'greatest($18::timestamptz, clock_timestamp(), b.recorded_at)';

const fact = (condition: string): string =>
  `EXISTS (SELECT FROM deployment_fact f WHERE f.deployment_id = d.id AND f.recorded_at <= $1 AND ${condition})`;

const WHERE = `($2::int IS NULL OR d.endpoint_id = $2) AND ($3::text IS NULL OR e.environment = $3)
  AND ($4::int IS NULL OR d.model_version_id = $4) AND ($5::int IS NULL OR v.model_id = $5)
  AND ($6::text[] IS NULL OR d.role::text = ANY($6)) AND ($7::text[] IS NULL OR b.end_reason::text = ANY($7))
  AND ($8::text IS NULL OR ${fact('f.actor = $8')})
  AND ($9::timestamptz IS NULL OR b.started_at >= $9) AND ($10::timestamptz IS NULL OR b.started_at < $10)
  AND ($11::timestamptz IS NULL OR b.ended_at IS NULL OR b.ended_at > $11)
  AND ($12::timestamptz IS NULL OR b.started_at < $12)
  AND (($13::timestamptz IS NULL AND $14::timestamptz IS NULL) OR ${fact(
    `f.recorded_at >= coalesce($13, '-infinity') AND f.recorded_at < coalesce($14, 'infinity')`,
  )})
  AND ($15::boolean IS NULL OR ${fact(
    `f.started_at <> (SELECT o.started_at FROM deployment_fact o WHERE o.deployment_id = d.id AND o.sequence = 1)`,
  )} = $15)
  AND ($16::boolean OR NOT b.is_retracted)
  AND ($17::boolean IS NULL OR $17 = (NOT b.is_retracted AND b.started_at <= ${NOW}
    AND (b.ended_at IS NULL OR b.ended_at > ${NOW})))`;

const instant = (at: Instant | null | undefined): string | null =>
  at == null ? null : formatInstant(at);

const comparable = (text: string | null | undefined): string | null =>
  text == null ? null : comparableText(text);

/** What was believed, also of a deployment that was retracted by then. */
const believedBy = (
  deployment: DeploymentHistory,
  knownAt: Instant | null,
): DeploymentBelief | null => {
  const found = deployment.facts.findLast(
    ({ recordedAt }) => knownAt === null || recordedAt <= knownAt,
  );
  return found === undefined
    ? null
    : branded('Deployment', { ...found, deployment, role: deployment.role });
};

const searchDeployments = async (
  { database }: Context,
  filter: DeploymentSearch,
  knownAt: Instant | null,
  args: PageArguments,
) => {
  const { endpointId, versionId, modelId } = await resolveDeploymentSearch(database, filter);
  const request = pageRequest(args);
  const [startedAt = 0, id = 0] = numericKey(request, ['instant', 'integer']) ?? [];
  const [operator, order] = request.isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const picked = `SELECT d.id, row_number() OVER (ORDER BY b.started_at ${order}, d.id ${order}) AS place
    FROM ${BELIEFS} WHERE ${WHERE}
      AND (NOT $19::boolean OR (b.started_at, d.id) ${operator} ($20::timestamptz, $21::int))
    ORDER BY place LIMIT ${request.limit + 1}`;
  const histories = await pickedDeployments(database, picked, [
    instant(knownAt) ?? 'infinity',
    endpointId,
    comparable(filter.environment),
    versionId,
    modelId,
    filter.roles ?? null,
    filter.endReasons ?? null,
    comparable(filter.actor),
    instant(filter.startedAt?.from),
    instant(filter.startedAt?.to),
    instant(filter.activeDuring?.from),
    instant(filter.activeDuring?.to),
    instant(filter.recordedAt?.from),
    instant(filter.recordedAt?.to),
    filter.isCorrected ?? null,
    filter.includesRetracted,
    filter.isActive ?? null,
    formatInstant(Date.now() * 1000),
    request.from !== null,
    formatInstant(startedAt),
    id,
  ]);
  const beliefs = histories
    .map((history) => believedBy(history, knownAt))
    .filter((belief) => belief !== null);
  return pageOf(request, beliefs, (belief) => [
    String(belief.startedAt),
    String(belief.deployment.id),
  ]);
};

builder.queryField('deployments', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: DeploymentConnection,
    nullable: true,
    description:
      'Searches the deployments of all endpoints, last start first, as they were believed at a record time. One statement. Deployments that are recorded meanwhile do not move the pages; a start that is corrected meanwhile may, unless `knownAt` is given.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      filter: t.arg({ type: DeploymentSearchFilter, description: 'Which deployments.' }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'Use only what had been recorded by then; now when omitted.',
      }),
    },
    resolve: (_, { filter, knownAt, ...args }, context) =>
      searchDeployments(context, filter ?? { includesRetracted: false }, knownAt ?? null, args),
  }),
);
