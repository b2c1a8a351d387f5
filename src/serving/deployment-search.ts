import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { branded } from '../platform/immutable-cache.ts';
import { formatInstant, type Instant } from '../platform/instant.ts';
import {
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { TimeWindowInput } from '../platform/time-window.ts';
import { findModelVersion, ModelVersionReferenceInput } from '../registry/model-version.ts';
import { deploymentById } from './deployment-history.ts';
import { DeploymentEndReasonEnum, DeploymentRoleEnum } from './deployment-type.ts';
import { EndpointReferenceInput, findEndpoint } from './endpoint.ts';
import { DeploymentConnection } from './endpoint-type.ts';
import type { DeploymentBelief, DeploymentHistory } from './timeline.ts';

const DeploymentSearchFilter = builder.inputType('DeploymentSearchFilter', {
  description:
    'Which deployments to return, by what was believed of them. All given conditions must hold.',
  fields: (t) => ({
    endpoint: t.field({ type: EndpointReferenceInput, description: 'On this endpoint.' }),
    environment: t.string({ description: 'On an endpoint of this environment.' }),
    modelVersion: t.field({ type: ModelVersionReferenceInput, description: 'Of this version.' }),
    model: t.string({ description: 'Of a version of this model.' }),
    roles: t.field({ type: [DeploymentRoleEnum], description: 'Role is one of these.' }),
    endReasons: t.field({
      type: [DeploymentEndReasonEnum],
      description: 'Ended for one of these reasons.',
    }),
    actor: t.string({ description: 'Exactly this actor stated something about it.' }),
    startedAt: t.field({ type: TimeWindowInput, description: 'Began in this window.' }),
    activeDuring: t.field({
      type: TimeWindowInput,
      description: 'Serving at some moment of this window.',
    }),
    recordedAt: t.field({
      type: TimeWindowInput,
      description: 'Something about it was recorded in this window.',
    }),
    isCorrected: t.boolean({ description: 'Whether its start was stated anew after the first.' }),
    includesRetracted: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether to list those that are believed never to have been.',
    }),
  }),
});

type Filter = typeof DeploymentSearchFilter.$inferInput;

// The last fact recorded by $1 is what was believed then.
const BELIEFS = `deployment d
  JOIN endpoint e ON e.id = d.endpoint_id
  JOIN model_version v ON v.id = d.model_version_id JOIN model m ON m.id = v.model_id
  CROSS JOIN LATERAL (SELECT f.* FROM deployment_fact f
    WHERE f.deployment_id = d.id AND f.recorded_at <= $1 ORDER BY f.sequence DESC LIMIT 1) b`;

const fact = (condition: string): string =>
  `EXISTS (SELECT FROM deployment_fact f WHERE f.deployment_id = d.id AND f.recorded_at <= $1 AND ${condition})`;

const WHERE = `($2::int IS NULL OR d.endpoint_id = $2) AND ($3::text IS NULL OR e.environment = $3)
  AND ($4::int IS NULL OR d.model_version_id = $4) AND ($5::text IS NULL OR m.name = $5)
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
  AND ($16::boolean OR NOT b.is_retracted)`;

interface Row {
  readonly id: number;
}

const instant = (at: Instant | null | undefined): string | null =>
  at == null ? null : formatInstant(at);

const comparable = (text: string | null | undefined): string | null =>
  text == null ? null : comparableText(text);

const idOf = async <Found extends { readonly id: number }>(
  name: string,
  kind: string,
  found: Promise<Found | null> | null,
): Promise<number | null> => {
  if (found === null) return null;
  const object = await found;
  if (object !== null) return object.id;
  throw argumentError({ path: ['filter', name], message: `There is no such ${kind}.` });
};

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
  context: Context,
  filter: Filter,
  knownAt: Instant | null,
  args: PageArguments,
) => {
  const { database } = context;
  const [endpointId, versionId] = await Promise.all([
    idOf(
      'endpoint',
      'endpoint',
      filter.endpoint == null ? null : findEndpoint(database, filter.endpoint),
    ),
    idOf(
      'modelVersion',
      'model version',
      filter.modelVersion == null ? null : findModelVersion(database, filter.modelVersion),
    ),
  ]);
  const request = pageRequest(args);
  const [startedAt = 0, id = 0] = numericKey(request, ['instant', 'integer']) ?? [];
  const [operator, order] = request.isBackward ? ['>', 'ASC'] : ['<', 'DESC'];
  const rows = await database.query<Row>({
    text: `SELECT d.id FROM ${BELIEFS} WHERE ${WHERE}
      AND (NOT $17::boolean OR (b.started_at, d.id) ${operator} ($18::timestamptz, $19::int))
      ORDER BY b.started_at ${order}, d.id ${order} LIMIT ${request.limit + 1}`,
    values: [
      knownAt === null ? 'infinity' : formatInstant(knownAt),
      endpointId,
      comparable(filter.environment),
      versionId,
      comparable(filter.model),
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
      request.from !== null,
      formatInstant(startedAt),
      id,
    ],
  });
  const histories = await Promise.all(rows.map((row) => deploymentById(context).load(row.id)));
  const beliefs = histories
    .flat()
    .map((history) => believedBy(history, knownAt))
    .filter((belief) => belief !== null);
  return pageOf(request, beliefs, (belief) => [
    String(belief.startedAt),
    String(belief.deployment.id),
  ]);
};

builder.queryField('deployments', (t) =>
  t.field({
    type: DeploymentConnection,
    nullable: true,
    description:
      'Searches the deployments of all endpoints, last start first, as they were believed at a record time. Two statements.',
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
