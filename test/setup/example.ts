import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { EXAMPLE } from '../../src/cli/demo.ts';
import { localActor } from '../../src/platform/context.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import { readOperations } from '../../src/server/operations.ts';
import { loadDemo } from './demo.ts';
import { openTestHindcast, type TestHindcast } from './hindcast.ts';

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

export const predictions = await lines('predictions.ndjson.gz');
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
  /** Runs an operation with its variables; those given here take the place of those of the same name. */
  readonly run: <Data>(name: string, variables?: Json) => Promise<Data>;
}

/** A Hindcast that holds the whole example, closed after the tests of the calling file. */
export const openDemo = async (): Promise<Demo> => {
  const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
  await loadDemo(hindcast);
  return {
    ...hindcast,
    run: <Data>(name: string, variables: Json = {}) =>
      hindcast.ask<Data>(operationOf(name).query, { ...variablesOf(name), ...variables }),
  };
};
