import { randomUUID } from 'node:crypto';
import DataLoader from 'dataloader';
import { type Context, perRequest } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { historyCache } from '../platform/history-cache.ts';
import { dateOf, type Instant, instantOf } from '../platform/instant.ts';
import { recordingTime, type Transaction } from '../platform/transaction.ts';
import {
  type DeploymentEndReason,
  type DeploymentFact,
  type DeploymentHistory,
  type DeploymentRole,
  deploymentFactDigest,
} from './timeline.ts';

interface Row {
  readonly id: number;
  readonly public_id: string;
  readonly endpoint_id: number;
  readonly model_version_id: number;
  readonly role: DeploymentRole;
  readonly predecessor_id: number | null;
  readonly deployment_recorded_at: Instant;
  readonly sequence: number;
  readonly traffic_share: number;
  readonly started_at: Instant;
  readonly ended_at: Instant | null;
  readonly end_reason: DeploymentEndReason | null;
  readonly is_retracted: boolean;
  readonly reason: string;
  readonly actor: string;
  readonly recorded_at: Instant;
  readonly digest: string;
  readonly previous_digest: string | null;
  readonly override_reason: string | null;
}

const factOf = (row: Row): DeploymentFact => ({
  sequence: row.sequence,
  trafficShare: row.traffic_share,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  endReason: row.end_reason,
  isRetracted: row.is_retracted,
  reason: row.reason,
  actor: row.actor,
  recordedAt: row.recorded_at,
  digest: row.digest,
  previousDigest: row.previous_digest,
  overrideReason: row.override_reason,
});

const historiesOf = (rows: readonly Row[]): readonly DeploymentHistory[] => {
  const histories = new Map<number, DeploymentHistory & { facts: DeploymentFact[] }>();
  for (const row of rows) {
    const history = histories.get(row.id) ?? {
      id: row.id,
      publicId: row.public_id,
      endpointId: row.endpoint_id,
      modelVersionId: row.model_version_id,
      role: row.role,
      predecessorId: row.predecessor_id,
      recordedAt: row.deployment_recorded_at,
      facts: [],
    };
    history.facts.push(factOf(row));
    histories.set(row.id, history);
  }
  return [...histories.values()];
};

const SELECT = `SELECT d.id, d.public_id::text AS public_id, d.endpoint_id, d.model_version_id, d.role::text AS role,
       d.predecessor_id, d.recorded_at AS deployment_recorded_at, f.sequence, f.traffic_share, f.started_at,
       f.ended_at, f.end_reason::text AS end_reason, f.is_retracted, f.reason, f.actor, f.recorded_at, f.digest,
       f.previous_digest, f.override_reason
  FROM deployment d JOIN deployment_fact f ON f.deployment_id = d.id`;

const loaderBy = (
  name: string,
  condition: string,
  key: (history: DeploymentHistory) => number | string,
) =>
  perRequest(
    ({ database }: Context) =>
      new DataLoader<number | string, readonly DeploymentHistory[]>(async (keys) => {
        const rows = await database.query<Row>({
          name,
          text: `${SELECT} WHERE ${condition} ORDER BY d.id, f.sequence`,
          values: [keys],
        });
        const histories = historiesOf(rows);
        return keys.map((wanted) => histories.filter((history) => key(history) === wanted));
      }),
  );

/** Deployments by endpoint, in the order of recording. One statement a tick; read anew by each request. */
export const deploymentsOf = loaderBy(
  'deployments_of_endpoints',
  'd.endpoint_id = ANY($1::int[])',
  ({ endpointId }) => endpointId,
);

/** An SQL expression for the number of facts about the deployments of an endpoint. */
export const deploymentFactCount = (endpointId: string): string =>
  `(SELECT count(*)::int FROM deployment d JOIN deployment_fact f ON f.deployment_id = d.id
    WHERE d.endpoint_id = ${endpointId})`;

/** The deployments of an endpoint about which there are this many facts: from memory, where they are known. */
export const deploymentsOfLength = historyCache(
  async (database, endpointId) =>
    historiesOf(
      await database.query<Row>({
        name: 'deployments_of_endpoint',
        text: `${SELECT} WHERE d.endpoint_id = $1 ORDER BY d.id, f.sequence`,
        values: [endpointId],
      }),
    ),
  (histories) => histories.reduce((count, { facts }) => count + facts.length, 0),
);

/** Deployments by model version, in the order of recording. */
export const deploymentsOfVersion = loaderBy(
  'deployments_of_versions',
  'd.model_version_id = ANY($1::int[])',
  ({ modelVersionId }) => modelVersionId,
);

/** A deployment by its public ID, in a list of at most one. */
export const deploymentByPublicId = loaderBy(
  'deployments_by_public_id',
  'd.public_id::text = ANY($1::text[])',
  ({ publicId }) => publicId,
);

/** A deployment by its row, in a list of at most one. */
export const deploymentById = loaderBy(
  'deployments_by_id',
  'd.id = ANY($1::int[])',
  ({ id }) => id,
);

/**
 * The deployments that a query for `id` and `place` picks, in the order of place. One statement, so that a page is of one
 * moment: between two, a deployment could be corrected to where the page does not reach.
 */
export const pickedDeployments = async (
  database: Database,
  picked: string,
  values: readonly unknown[],
): Promise<readonly DeploymentHistory[]> => {
  const rows = await database.query<Row>({
    text: `WITH picked AS (${picked}) ${SELECT} JOIN picked ON picked.id = d.id
      ORDER BY picked.place, f.sequence`,
    values,
  });
  return historiesOf(rows);
};

/** The deployments of an endpoint inside a transaction that holds its lock. */
export const deploymentsIn = async (
  transaction: Transaction,
  endpointId: number,
): Promise<readonly DeploymentHistory[]> => {
  const rows = await transaction.deployment.findMany({
    where: { endpointId },
    include: { facts: { orderBy: { sequence: 'asc' } } },
    orderBy: { id: 'asc' },
  });
  return rows.map(({ facts, recordedAt, ...deployment }) => ({
    ...deployment,
    recordedAt: instantOf(recordedAt),
    facts: facts.map(({ deploymentId: _, ...fact }) => ({
      ...fact,
      startedAt: instantOf(fact.startedAt),
      endedAt: fact.endedAt === null ? null : instantOf(fact.endedAt),
      recordedAt: instantOf(fact.recordedAt),
    })),
  }));
};

/** Serialises the changes of one endpoint. */
export const lockEndpoint = async (transaction: Transaction, endpointId: number): Promise<void> => {
  await transaction.$queryRaw`SELECT id FROM endpoint WHERE id = ${endpointId} FOR UPDATE`;
};

export type StatedFact = Omit<
  DeploymentFact,
  'sequence' | 'recordedAt' | 'digest' | 'previousDigest' | 'overrideReason'
> & { readonly overrideReason?: string | null };

const toMillisecond = (instant: Instant): Instant => instantOf(dateOf(instant));

/** The next fact of a deployment's chain. Record time never goes backwards in it, whatever the clock does. */
const nextFact = (
  deployment: Pick<DeploymentHistory, 'publicId' | 'role' | 'facts'>,
  stated: StatedFact,
  now: Instant,
): DeploymentFact => {
  const last = deployment.facts.at(-1);
  const content = {
    ...stated,
    startedAt: toMillisecond(stated.startedAt),
    endedAt: stated.endedAt === null ? null : toMillisecond(stated.endedAt),
    sequence: (last?.sequence ?? 0) + 1,
    recordedAt: Math.max(now, last?.recordedAt ?? now),
    previousDigest: last?.digest ?? null,
    overrideReason: stated.overrideReason ?? null,
  };
  return { ...content, digest: deploymentFactDigest(deployment, content) };
};

const insertFact = (transaction: Transaction, deploymentId: number, fact: DeploymentFact) =>
  transaction.deploymentFact.createMany({
    data: [
      {
        ...fact,
        deploymentId,
        startedAt: dateOf(fact.startedAt),
        endedAt: fact.endedAt === null ? null : dateOf(fact.endedAt),
        recordedAt: dateOf(fact.recordedAt),
      },
    ],
  });

/** Appends a fact; returns the deployment with it. */
export const appendDeploymentFact = async (
  transaction: Transaction,
  deployment: DeploymentHistory,
  stated: StatedFact,
): Promise<DeploymentHistory> => {
  const fact = nextFact(deployment, stated, instantOf(await recordingTime(transaction)));
  await insertFact(transaction, deployment.id, fact);
  return { ...deployment, facts: [...deployment.facts, fact] };
};

/** Records a new deployment with its first fact. */
export const insertDeployment = async (
  transaction: Transaction,
  deployment: Pick<DeploymentHistory, 'endpointId' | 'modelVersionId' | 'role' | 'predecessorId'>,
  stated: StatedFact,
  now: Instant,
): Promise<DeploymentHistory> => {
  const publicId = randomUUID();
  const { id } = await transaction.deployment.create({
    data: { ...deployment, publicId, recordedAt: dateOf(now) },
    select: { id: true },
  });
  const fact = nextFact({ publicId, role: deployment.role, facts: [] }, stated, now);
  await insertFact(transaction, id, fact);
  return { id, publicId, ...deployment, recordedAt: now, facts: [fact] };
};
