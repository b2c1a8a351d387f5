import { createHash } from 'node:crypto';
import type { Database } from '../../src/platform/database.ts';
import { type ExactJson, stringifyExactJson } from '../../src/platform/exact-json.ts';
import type { GraphqlResponse, TestHindcast } from './hindcast.ts';

/** Sends one input with every digit and sign it has, which `JSON.stringify` would lose. */
const send = async <Result>(
  { fetch }: TestHindcast,
  query: string,
  input: object,
): Promise<Result> => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: stringifyExactJson({ query, variables: { input: input as ExactJson } }),
  });
  const { data, errors } = (await response.json()) as GraphqlResponse;
  if (errors !== undefined) throw new Error(`GraphQL errors: ${JSON.stringify(errors, null, 2)}`);
  return (data as { result: Result }).result;
};

/** Digest of a text, computed without Hindcast's code. */
export const sha256 = (text: string): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** A Git object name that belongs to a text. */
export const oidOf = (text: string): string => createHash('sha1').update(text).digest('hex');

const RECORDED = {
  recordCodeCommit: ['CodeCommit', 'commit'],
  recordFeatureSchema: ['FeatureSchema', 'featureSchema'],
  recordDatasetSnapshot: ['DatasetSnapshot', 'snapshot'],
  recordRuntimeEnvironment: ['RuntimeEnvironment', 'environment'],
  recordArtifact: ['Artifact', 'artifact'],
} as const;

export interface Recorded {
  readonly __typename: string;
  readonly isNew?: boolean;
  readonly object?: { readonly digest: string; readonly [field: string]: unknown };
  readonly message?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly message: string; readonly path: readonly string[] }[];
  readonly [field: string]: unknown;
}

/** Records evidence by itself; `selection` names further fields of the object. */
export const record = (
  hindcast: TestHindcast,
  mutation: keyof typeof RECORDED,
  input: object,
  selection = '',
): Promise<Recorded> => {
  const [type, field] = RECORDED[mutation];
  const conflict =
    type === 'DatasetSnapshot' || type === 'RuntimeEnvironment'
      ? ''
      : `... on EvidenceConflictError {
           existingDigest submittedDigest differences { kind pointer before after }
         }`;
  const document = `mutation ($input: ${type}Input!) {
    result: ${mutation}(input: $input) {
      __typename
      ... on UserError { message path }
      ... on InvalidInputError { issues { message path } }
      ${conflict}
      ... on Record${type}Payload { isNew object: ${field} { digest ${selection} } }
    }
  }`;
  return send(hindcast, document, input);
};

/** A small registration in full; each model has evidence of its own. */
export const registrationOf = (model: string) => ({
  model,
  semver: '1.0.0',
  commit: {
    definition: { repository: `https://github.com/acme/${model}`, oid: oidOf(model) },
  },
  featureSchema: {
    definition: {
      name: `${model}-features`,
      semver: '1.0.0',
      fields: [
        { name: 'distance', type: 'FP64' },
        { name: 'origin', type: 'STRING', isNullable: true },
      ],
    },
  },
  datasets: [
    {
      role: 'TRAINING',
      snapshot: {
        definition: {
          name: `${model}-january`,
          contentDigest: sha256(`${model} january`),
          location: `s3://data/${model}/january.parquet`,
        },
      },
    },
  ],
  environment: {
    definition: {
      runtime: 'cpython 3.12.4',
      platform: 'linux/amd64',
      packages: [`pkg:pypi/${model}@1.0.0`],
    },
  },
  artifacts: [
    {
      role: 'WEIGHTS',
      artifact: {
        definition: {
          digest: sha256(`${model} weights`),
          location: `s3://models/${model}.onnx`,
          mediaType: 'application/x-onnx',
          sizeBytes: 1234,
        },
      },
    },
  ],
  hyperparameters: { depth: 6 },
});

export interface Registered {
  readonly __typename: string;
  readonly isNew?: boolean;
  readonly modelVersion?: {
    readonly digest: string;
    readonly commit: { readonly digest: string };
    readonly featureSchema: { readonly digest: string };
    readonly environment: { readonly digest: string };
    readonly datasets: readonly {
      readonly role: string;
      readonly snapshot: { readonly digest: string };
    }[];
    readonly artifacts: readonly {
      readonly role: string;
      readonly artifact: { readonly digest: string };
    }[];
    readonly [field: string]: unknown;
  };
  readonly message?: string;
  readonly path?: readonly string[];
  readonly issues?: readonly { readonly message: string; readonly path: readonly string[] }[];
  readonly [field: string]: unknown;
}

const REGISTER = (selection: string) => `mutation ($input: RegisterModelVersionInput!) {
  result: registerModelVersion(input: $input) {
    __typename
    ... on UserError { message path }
    ... on InvalidInputError { issues { message path } }
    ... on EvidenceConflictError {
      existingDigest submittedDigest differences { kind pointer before after }
    }
    ... on VersionConflictError {
      existing { displayName } existingDigest submittedDigest
      differences { kind pointer before after }
    }
    ... on DigestMismatchError { expected actual canonicalManifest }
    ... on RegisterModelVersionPayload {
      isNew
      modelVersion {
        digest commit { digest } featureSchema { digest } environment { digest }
        datasets { role snapshot { digest } } artifacts { role artifact { digest } }
        ${selection}
      }
    }
  }
}`;

export const register = (
  hindcast: TestHindcast,
  input: object,
  selection = '',
): Promise<Registered> => send(hindcast, REGISTER(selection), input);

/** Tables of the registry: rows are only ever added to them. */
export const REGISTRY_TABLES = [
  'code_commit',
  'feature_schema',
  'feature_field',
  'feature_transformation',
  'dataset_snapshot',
  'dataset_derivation',
  'feature_statistics',
  'runtime_environment',
  'runtime_package',
  'artifact',
  'evidence_location',
  'model',
  'model_version',
  'dataset_use',
  'artifact_use',
  'metric',
  'lifecycle_transition',
];

/** Rows in each table of the registry, to show what was not written. */
export const rowCounts = async (database: Database): Promise<Record<string, number>> => {
  const counts = REGISTRY_TABLES.map(
    (table) => `SELECT '${table}' AS name, count(*) AS rows FROM ${table}`,
  );
  const rows = await database.query<{ name: string; rows: bigint }>({
    text: counts.join(' UNION ALL '),
  });
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, Number(count)]));
};
