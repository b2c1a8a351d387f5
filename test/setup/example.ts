import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { EXAMPLE } from '../../src/cli/demo.ts';
import { sealLedger } from '../../src/ledger/seal.ts';
import { localActor } from '../../src/platform/context.ts';
import type { Signer } from '../../src/platform/signed-note.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import { readOperations } from '../../src/server/operations.ts';
import { loadDemo } from './demo.ts';
import { openTestHindcast, type TestHindcast } from './hindcast.ts';
import { someSigner } from './signer.ts';

// The raw files of the example, from which tests work out what the program should answer.

export type Json = Record<string, unknown>;

const lines = async (file: string): Promise<readonly Json[]> =>
  gunzipSync(await readFile(`${EXAMPLE}${file}`))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);

const json = async (file: string): Promise<Json> =>
  JSON.parse(await readFile(`${EXAMPLE}${file}`, 'utf8')) as Json;

const sent = await lines('predictions.ndjson.gz');

/** Predictions of the example; a line that was sent twice is one. */
export const predictions = [...new Map(sent.map((line) => [JSON.stringify(line), line])).values()];
export const outcomes = await lines('outcomes.ndjson.gz');
export const history = await json('history.json');

/** The registrations of the two versions. */
export const [old, recent] = [
  await json('versions/flight-delay-1.0.0.json'),
  await json('versions/flight-delay-1.1.0.json'),
] as const;

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly transformations: readonly { readonly parameters: Json }[];
}

/** Features that a registered version expects, in order. */
export const fieldsOf = (version: Json): readonly Field[] =>
  (version.featureSchema as { definition: { fields: Field[] } }).definition.fields;

/** Features whose parameters differ between the two schemas. */
export const changedFeatures = fieldsOf(old)
  .filter(({ name, transformations }) => {
    const other = fieldsOf(recent).find((field) => field.name === name);
    const parameters = (steps: Field['transformations']) =>
      JSON.stringify(steps.map((step) => Object.entries(step.parameters).sort()));
    return parameters(transformations) !== parameters(other?.transformations ?? []);
  })
  .map(({ name }) => name);

const operations = new Map((await readOperations()).map((one) => [one.name, one]));

export const operationNames = [...operations.keys()];

const operationOf = (name: string) => {
  const operation = operations.get(name);
  if (operation === undefined) throw new Error(`operations/${name}.graphql is missing`);
  return operation;
};

/** The variables that stand beside an operation. */
export const variablesOf = (name: string): Json =>
  JSON.parse(operationOf(name).variables ?? '{}') as Json;

export interface Demo extends TestHindcast {
  /** The key that seals its ledger; it is sealed. */
  readonly signer: Signer;
  /** Runs an operation with its variables; those given here take the place of those of the same name. */
  readonly run: <Data>(name: string, variables?: Json) => Promise<Data>;
}

/** A Hindcast that holds the whole example, closed after the tests of the calling file. */
export const openDemo = async (): Promise<Demo> => {
  const actor = localActor('tester');
  const signer = someSigner();
  const hindcast = await openTestHindcast(actor, logRoutes, null, signer);
  await loadDemo(hindcast, (name) => {
    actor.name = name;
  });
  actor.name = 'tester';
  await sealLedger(hindcast.database, signer);
  return {
    signer,
    ...hindcast,
    run: <Data>(name: string, variables: Json = {}) =>
      hindcast.ask<Data>(operationOf(name).query, { ...variablesOf(name), ...variables }),
  };
};

/** A deployment of the story, with the time it was replaced at. */
export interface StoryDeployment {
  readonly id: string;
  readonly semver: string;
  readonly role: string;
  readonly trafficShare: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly reason: string;
  readonly actor: string;
}

const told = history.deployments as readonly (Json & { replaces?: string | string[] })[];

/** Deployments in the order of the story: a later one ends those that it replaces. */
export const storyDeployments: readonly StoryDeployment[] = told.map((one) => {
  const successor = told.find(({ replaces }) => [replaces ?? []].flat().includes(String(one.id)));
  const { release } = one.modelVersion as { release: { semver: string } };
  return {
    id: String(one.id),
    semver: release.semver,
    role: String(one.role),
    trafficShare: Number(one.trafficShare),
    startedAt: String(one.startedAt),
    endedAt: successor === undefined ? null : String(successor.startedAt),
    reason: String(one.reason),
    actor: String(one.actor),
  };
});

/** Semantic versions of a logged prediction: the version that answered, and the schema of its features. */
export const semversOf = (line: Json): { readonly version: string; readonly schema: string } => ({
  version: String((line.modelVersion as Json).semver),
  schema: String((line.featureSchema as Json).semver),
});

/** Instants of logged lines differ in how many digits they have. */
export const micros = (text: unknown): number => {
  const [seconds = '', fraction = ''] = String(text).replace('Z', '').split('.');
  return Date.parse(`${seconds}Z`) * 1000 + Number(fraction.padEnd(6, '0'));
};

/** Predictions of a half-open window, newest first. */
export const predictionsBetween = (from: string, to: string): readonly Json[] =>
  predictions
    .filter(
      ({ occurredAt }) => micros(occurredAt) >= micros(from) && micros(occurredAt) < micros(to),
    )
    .sort((a, b) => micros(b.occurredAt) - micros(a.occurredAt));
