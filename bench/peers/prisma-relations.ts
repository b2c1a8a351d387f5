// What one would write first: GraphQL Yoga over Prisma's relations, which are included in one call.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrismaPg } from '@prisma/adapter-pg';
import { createSchema, createYoga } from 'graphql-yoga';
import { PrismaClient } from '../../src/generated/prisma/client.ts';
import { PROJECT } from '../flights.ts';

const prisma = new PrismaClient({ adapter: new PrismaPg(process.argv[2] ?? '') });

const include = {
  endpoint: { include: { deployments: { include: { facts: true } } } },
  modelVersion: {
    include: {
      model: true,
      codeCommit: true,
      featureSchema: true,
      runtimeEnvironment: true,
      datasets: { include: { datasetSnapshot: true } },
      artifacts: { include: { artifact: true } },
      transitions: true,
    },
  },
  featureSchema: { include: { fields: { include: { transformations: true } } } },
} as const;

const isoOf = (date: Date | null): string | null => date?.toISOString() ?? null;

// Prisma refuses arrays that hold nulls, so those of the features are read past it.
const omit = { numbers: true, integers: true, texts: true, featureObservedAt: true } as const;

interface Values {
  readonly numbers: readonly (number | null)[];
  readonly integers: readonly (string | null)[];
  readonly texts: readonly (string | null)[];
  readonly featureObservedAt: readonly (string | null)[];
}

const valuesOf = async (requestId: string, endpointId: number): Promise<Values | undefined> => {
  const [values] = await prisma.$queryRaw<Values[]>`
    SELECT to_json(numbers) AS numbers, to_json(integers::text[]) AS integers, to_json(texts) AS texts,
      to_json(feature_observed_at::text[]) AS "featureObservedAt"
    FROM prediction_log WHERE request_id = ${requestId} AND endpoint_id = ${endpointId} AND item = 0`;
  return values;
};

interface Asked {
  readonly requestId: string;
  readonly name: string;
  readonly environment: string;
}

const find = async (_: unknown, { requestId, ...endpoint }: Asked) => {
  const where = { requestId, item: 0, endpoint };
  const found = await prisma.predictionLog.findFirst({ where, include, omit });
  if (found === null) return null;
  const { endpointId, item, modelVersion } = found;
  const { id, runtimeEnvironment: environment, datasets, artifacts, transitions } = modelVersion;
  return {
    ...found,
    ...(await valuesOf(requestId, endpointId)),
    digest: found.digest === null ? null : `sha256:${Buffer.from(found.digest).toString('hex')}`,
    occurredAt: isoOf(found.occurredAt),
    outcomes: async () =>
      (await prisma.predictionOutcome.findMany({ where: { requestId, endpointId, item } })).map(
        (outcome) => ({ ...outcome, observedAt: isoOf(outcome.observedAt) }),
      ),
    endpoint: {
      ...found.endpoint,
      deployments: found.endpoint.deployments.map((deployment) => ({
        ...deployment,
        facts: deployment.facts.map((fact) => ({
          ...fact,
          startedAt: isoOf(fact.startedAt),
          endedAt: isoOf(fact.endedAt),
        })),
      })),
    },
    modelVersion: {
      ...modelVersion,
      rowId: id,
      environment,
      codeCommit: {
        ...modelVersion.codeCommit,
        committedAt: isoOf(modelVersion.codeCommit.committedAt),
      },
      datasets: datasets.map(({ role, datasetSnapshot: snapshot }) => ({
        role,
        snapshot: {
          ...snapshot,
          rowCount: snapshot.rowCount?.toString() ?? null,
          eventTimeFrom: isoOf(snapshot.eventTimeFrom),
          eventTimeTo: isoOf(snapshot.eventTimeTo),
        },
      })),
      artifacts: artifacts.map(({ role, artifact }) => ({
        role,
        artifact: { ...artifact, sizeBytes: artifact.sizeBytes.toString() },
      })),
      transitions: transitions.map((transition) => ({
        ...transition,
        toStage: transition.to,
        occurredAt: isoOf(transition.occurredAt),
      })),
    },
  };
};

const typeDefs = readFileSync(`${PROJECT}bench/peers/relations.graphql`, 'utf8');
const schema = createSchema({ typeDefs, resolvers: { Query: { prediction: find } } });
const server = createServer(createYoga({ schema, logging: false, graphiql: false }));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
