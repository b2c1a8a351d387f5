import { readdir, readFile } from 'node:fs/promises';
import type { ArtifactStore } from '../platform/artifact-store.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import type { Connection } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { describeResult, registerVersion } from './register.ts';

interface VersionReference {
  readonly release: { readonly model: string; readonly semver: string };
}

interface Transition {
  readonly modelVersion: VersionReference;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly occurredAt: string;
}

interface Deployment {
  readonly id: string;
  readonly endpoint: { readonly name: string; readonly environment: string };
  readonly modelVersion: VersionReference;
  readonly role: string;
  readonly trafficShare: number;
  readonly startedAt: string;
  readonly replaces?: string | readonly string[];
  readonly endReason?: string;
  readonly reason?: string;
  readonly actor: string;
}

/** Lifecycle and deployments of an example, each in the order of time. */
interface History {
  readonly transitions: readonly Transition[];
  readonly deployments: readonly Deployment[];
}

const refuse = (what: string, message: string | undefined): never => {
  throw new CommandError(`${what}: ${message ?? 'refused'}`, EXIT.refused);
};

/** Puts the models of an example where they can be run again from. */
export const storeModels = async (artifacts: ArtifactStore, folder: string): Promise<void> => {
  for (const name of await readdir(`${folder}models`)) {
    await artifacts.write(await readFile(`${folder}models/${name}`));
  }
};

/** Registers the versions of an example; those on record already stay as they are. */
export const registerVersions = async (connection: Connection, folder: string): Promise<void> => {
  const names = (await readdir(`${folder}versions`)).filter((name) => name.endsWith('.json'));
  for (const name of names.sort()) {
    const input = parseExactJson(await readFile(`${folder}versions/${name}`, 'utf8'));
    const result = await registerVersion(connection, input);
    if (result.modelVersion === undefined) refuse(name, describeResult(result));
  }
};

const TRANSITION = `mutation Move($input: TransitionModelVersionInput!) {
  transitionModelVersion(input: $input) { __typename ... on UserError { message } }
}`;

const START = `mutation Start($input: StartDeploymentInput!) {
  startDeployment(input: $input) {
    ... on StartDeploymentPayload { deployment { id } }
    ... on UserError { message }
  }
}`;

const KNOWN_STAGES = `query Known($by: ModelVersionReference!) {
  modelVersion(by: $by) { transitions(first: 100) { nodes { to occurredAt } } }
}`;

const KNOWN_DEPLOYMENTS = `query Known($by: EndpointReference!) {
  endpoint(by: $by) { deployments(first: 100) { nodes { id startedAt role modelVersion { semver } } } }
}`;

/**
 * Plays the history of an example. What is on record already is left out, so that it can be played again;
 * `actAs` is told who did what comes next.
 */
export const playHistory = async (
  connection: Connection,
  folder: string,
  actAs: (name: string) => void = () => {},
): Promise<void> => {
  const text = await readFile(`${folder}history.json`, 'utf8');
  const { transitions, deployments } = JSON.parse(text) as History;
  for (const transition of transitions) {
    actAs(transition.actor);
    await move(connection, transition);
  }
  const ids = new Map<string, string>();
  for (const deployment of deployments) {
    actAs(deployment.actor);
    ids.set(deployment.id, await start(connection, deployment, ids));
  }
};

const sameInstant = (one: string, other: string): boolean => Date.parse(one) === Date.parse(other);

const move = async (
  { ask }: Connection,
  { modelVersion, to, reason, occurredAt }: Transition,
): Promise<void> => {
  const known = await ask<{
    modelVersion: { transitions: { nodes: readonly { to: string; occurredAt: string }[] } };
  }>(KNOWN_STAGES, { by: modelVersion });
  const { nodes } = known.modelVersion.transitions;
  if (nodes.some((node) => node.to === to && sameInstant(node.occurredAt, occurredAt))) return;
  const { transitionModelVersion: result } = await ask<{
    transitionModelVersion: { message?: string };
  }>(TRANSITION, { input: { modelVersion, to, reason, occurredAt } });
  if (result.message !== undefined) {
    refuse(`${modelVersion.release.semver} to ${to}`, result.message);
  }
};

interface KnownDeployment {
  readonly id: string;
  readonly startedAt: string;
  readonly role: string;
  readonly modelVersion: { readonly semver: string };
}

const start = async (
  { ask }: Connection,
  deployment: Deployment,
  ids: ReadonlyMap<string, string>,
): Promise<string> => {
  const { endpoint, modelVersion, role, trafficShare, startedAt, endReason, reason } = deployment;
  const known = await ask<{
    endpoint: { deployments: { nodes: readonly KnownDeployment[] } } | null;
  }>(KNOWN_DEPLOYMENTS, { by: { route: endpoint } });
  const existing = known.endpoint?.deployments.nodes.find(
    (node) =>
      node.role === role &&
      node.modelVersion.semver === modelVersion.release.semver &&
      sameInstant(node.startedAt, startedAt),
  );
  if (existing !== undefined) return existing.id;
  const replaces = [deployment.replaces ?? []].flat().flatMap((name) => ids.get(name) ?? []);
  const { startDeployment: result } = await ask<{
    startDeployment: { message?: string; deployment?: { id: string } };
  }>(START, {
    input: {
      endpoint,
      modelVersion,
      role,
      trafficShare,
      startedAt,
      replaces,
      ...(endReason === undefined ? {} : { endReason }),
      ...(reason === undefined ? {} : { reason }),
    },
  });
  return result.deployment?.id ?? refuse(`deployment ${deployment.id}`, result.message);
};
