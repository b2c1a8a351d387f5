import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { unique } from './database.ts';
import type { TestHindcast } from './hindcast.ts';

export const sha256 = (text: string): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;

type Json = Record<string, unknown>;

type Asking = Pick<TestHindcast, 'ask'>;

/** A feature definition with everything but its name left to defaults. */
export const field = (name: string, type = 'FP64', more: Json = {}): Json => ({
  name,
  type,
  ...more,
});

const statistics = (name: string): Json => ({
  feature: name,
  numeric: {
    count: 4,
    missing: 0,
    min: 0,
    max: 100,
    mean: 50,
    quantiles: [
      { probability: 0.25, value: 20 },
      { probability: 0.5, value: 50 },
    ],
  },
});

/** A complete registration; `more` overrides members of the input. */
export const registration = (fields: readonly Json[], more: Json = {}): Json => ({
  model: unique('model'),
  semver: '1.0.0',
  registeredAt: '2026-01-01T00:00:00Z',
  commit: {
    definition: {
      repository: 'https://github.com/example/model',
      oid: createHash('sha1').update(randomUUID()).digest('hex'),
    },
  },
  featureSchema: { definition: { name: unique('features'), semver: '1.0.0', fields } },
  datasets: [
    {
      role: 'TRAINING',
      snapshot: {
        definition: {
          name: 'training',
          contentDigest: sha256(randomUUID()),
          location: 's3://data/training',
          statistics: fields
            .filter(({ type, shape }) => type === 'FP64' && shape === undefined)
            .map(({ name }) => statistics(String(name))),
        },
      },
    },
  ],
  environment: {
    definition: {
      runtime: 'cpython 3.12.4',
      platform: 'linux/amd64',
      packages: ['pkg:pypi/numpy@2.1.0'],
    },
  },
  artifacts: [
    {
      role: 'WEIGHTS',
      artifact: {
        definition: {
          digest: sha256(randomUUID()),
          location: 's3://models/model.onnx',
          mediaType: 'application/x-onnx',
          sizeBytes: 1000,
        },
      },
    },
  ],
  ...more,
});

const REGISTER = `mutation ($input: RegisterModelVersionInput!) {
  registerModelVersion(input: $input) {
    ... on RegisterModelVersionPayload {
      modelVersion { id digest semver model { name } featureSchema { digest name semver } }
    }
    ... on UserError { message }
  }
}`;

export interface RegisteredVersion {
  readonly id: string;
  readonly digest: string;
  readonly semver: string;
  readonly model: { readonly name: string };
  readonly featureSchema: {
    readonly digest: string;
    readonly name: string;
    readonly semver: string;
  };
}

export const register = async (hindcast: Asking, input: Json): Promise<RegisteredVersion> => {
  const { registerModelVersion: result } = await hindcast.ask<{
    registerModelVersion: { modelVersion?: RegisteredVersion; message?: string };
  }>(REGISTER, { input });
  if (result.modelVersion === undefined) throw new Error(result.message);
  return result.modelVersion;
};

const TRANSITION = `mutation ($input: TransitionModelVersionInput!) {
  transitionModelVersion(input: $input) { __typename ... on UserError { message } }
}`;

export const moveTo = async (
  { ask }: Asking,
  version: RegisteredVersion,
  to: string,
  occurredAt?: string,
): Promise<void> => {
  const input = { modelVersion: { id: version.id }, to, reason: 'Tested.', occurredAt };
  const { transitionModelVersion } = await ask<{ transitionModelVersion: unknown }>(TRANSITION, {
    input,
  });
  expect(transitionModelVersion).toEqual({ __typename: 'TransitionModelVersionPayload' });
};

const START = `mutation ($input: StartDeploymentInput!) {
  startDeployment(input: $input) {
    ... on StartDeploymentPayload { deployment { id } }
    ... on UserError { message }
  }
}`;

export interface Route {
  readonly name: string;
  readonly environment: string;
}

/** Starts a deployment and returns its global ID. */
export const deploy = async (
  { ask }: Asking,
  version: RegisteredVersion,
  endpoint: Route,
  more: Json = {},
): Promise<string> => {
  const input = {
    endpoint,
    modelVersion: { id: version.id },
    startedAt: '2026-01-02T00:00:00Z',
    ...more,
  };
  const { startDeployment: result } = await ask<{
    startDeployment: { deployment?: { id: string }; message?: string };
  }>(START, { input });
  if (result.deployment === undefined) throw new Error(result.message);
  return result.deployment.id;
};

/** A version in production on an endpoint of its own since 2 January 2026. */
export const served = async (
  hindcast: Asking,
  fields: readonly Json[],
  more: Json = {},
): Promise<{ readonly version: RegisteredVersion; readonly endpoint: Route }> => {
  const version = await register(hindcast, registration(fields, more));
  await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
  await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
  const endpoint = { name: unique('endpoint'), environment: 'test' };
  await deploy(hindcast, version, endpoint);
  return { version, endpoint };
};

/** Appends prediction lines through the route; returns the lines of the answer. */
export const append = async (
  { fetch }: Pick<TestHindcast, 'fetch'>,
  lines: readonly Json[],
  query = '',
): Promise<readonly Json[]> => {
  const response = await fetch(`/v1/predictions${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
  const text = await response.text();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
};

/** A prediction line of a version on an endpoint. */
export const line = (
  version: RegisteredVersion,
  endpoint: Route,
  features: Json,
  more: Json = {},
): Json => ({
  requestId: unique('request'),
  occurredAt: '2026-02-01T12:00:00.123456Z',
  endpoint,
  modelVersion: version.digest,
  features,
  score: 0.5,
  ...more,
});
