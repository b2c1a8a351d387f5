import { isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { type FilePlace, placeOf } from './file-place.ts';

/** Whose tokens are taken, and what their claims mean. */
export interface OidcOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's keys are; null to ask its discovery document. */
  readonly jwksUrl: string | null;
  /** Claims that hold the name of the caller, its scopes and the models that it is restricted to. */
  readonly nameClaim: string;
  readonly scopesClaim: string;
  readonly modelsClaim: string;
}

/** Who may do what on a server. */
export interface AccessConfig {
  /** Names, without ports, that requests may be meant for, beside those of this machine. */
  readonly hosts: readonly string[];
  /** Null when only keys are taken. */
  readonly oidc: OidcOptions | null;
  /** Whether sensitive values are shown only to who says why. */
  readonly needReason: boolean;
  /** Whether the schema and GraphiQL are shown; null for on loopback only. */
  readonly introspection: boolean | null;
  /** Cost of operations that a caller may ask for in a second, unless its key says otherwise. */
  readonly rate: number;
  /** Requests at once. */
  readonly concurrency: number;
}

/** What connections to a server may take, whoever is behind them. */
export interface ConnectionLimits {
  /** Connections at once; more are closed as they come. */
  readonly atOnce: number;
  /** How long the headers of a request may take to arrive. */
  readonly headerSeconds: number;
  /** How long a connection is kept open on which nothing is asked any more. */
  readonly idleSeconds: number;
}

/** Everything the process reads from its environment. */
export interface Config {
  /** PostgreSQL connection string; null for the embedded database. */
  readonly databaseUrl: string | null;
  /** Connection strings of read replicas of it. */
  readonly replicaUrls: readonly string[];
  /** Most connections to PostgreSQL at once. */
  readonly poolSize: number;
  /** How long to wait for a connection, and behind a lock. */
  readonly waitSeconds: number;
  /** How long a statement of a server may take that reads, in seconds; null without a limit. */
  readonly statementSeconds: number | null;
  /** Absolute path of the embedded database's folder. */
  readonly dataFolder: string;
  /** Where the files of model versions are: a folder, or a bucket. */
  readonly artifacts: FilePlace;
  /** Where the files of archived predictions are. */
  readonly archive: FilePlace;
  /** Weeks for which a server makes partitions of the log in advance. */
  readonly partitionsAhead: number;
  /** Base address of an Open Inference Protocol V2 server; null when there is none. */
  readonly inferenceUrl: string | null;
  /** Path of the key that signs checkpoints and dossiers. */
  readonly signingKey: string;
  /** Folder of the newest checkpoint of each ledger, which tells whether a database was rolled back. */
  readonly checkpointFolder: string;
  /** Seconds between the checkpoints of a server to which something was recorded. */
  readonly sealSeconds: number;
  readonly host: string;
  readonly port: number;
  /** Who is recorded as the author of facts when nobody else is known. */
  readonly actor: string;
  readonly access: AccessConfig;
  readonly connections: ConnectionLimits;
  /** Whether a server runs only operations whose documents it knows. */
  readonly onlyTrustedDocuments: boolean;
  /** Folder of documents that a server knows beside its own; null for none. */
  readonly documentsFolder: string | null;
  /** What the command line shows a server; null when it shows nothing. */
  readonly apiKey: string | null;
  /** Why the command line looks at sensitive values. */
  readonly reason: string | null;
  readonly logLevel: string;
  /** Whether `/metrics` is served. */
  readonly hasMetrics: boolean;
  /** Milliseconds from which an operation is slow, and logged with what it did; null for none. */
  readonly slowMs: number | null;
}

/** Reads the configuration; `overrides` are command-line options, which win over the environment. */
export const readConfig = (
  overrides: Partial<Config> = {},
  variables: NodeJS.ProcessEnv = process.env,
): Config => {
  const read = readEnvironment(variables);
  if (read.DATABASE_REPLICA_URL.length > 0 && read.DATABASE_URL === undefined) {
    throw new ConfigError('DATABASE_REPLICA_URL is set; set DATABASE_URL to the primary, too.');
  }
  const data = overrides.dataFolder ?? read.HINDCAST_DATA;
  const dataFolder = isAbsolute(data) ? data : resolve(data);
  return {
    databaseUrl: read.DATABASE_URL ?? null,
    replicaUrls: read.DATABASE_REPLICA_URL,
    poolSize: read.DATABASE_POOL_SIZE,
    waitSeconds: read.DATABASE_WAIT_SECONDS,
    statementSeconds: read.HINDCAST_STATEMENT_SECONDS || null,
    artifacts: placeOf('HINDCAST_ARTIFACTS', join(dataFolder, 'artifacts'), read),
    archive: placeOf('HINDCAST_ARCHIVE', join(dataFolder, 'archive'), read),
    partitionsAhead: read.HINDCAST_PARTITIONS_AHEAD,
    inferenceUrl: read.HINDCAST_INFERENCE_URL ?? null,
    signingKey: resolve(read.HINDCAST_SIGNING_KEY ?? join(dataFolder, 'signing-key.pem')),
    checkpointFolder: join(dataFolder, 'checkpoints'),
    sealSeconds: read.HINDCAST_SEAL_SECONDS,
    host: read.HINDCAST_HOST,
    port: read.HINDCAST_PORT,
    actor: read.HINDCAST_ACTOR ?? read.USER ?? 'local',
    access: accessOf(read),
    connections: {
      atOnce: read.HINDCAST_CONNECTIONS,
      headerSeconds: read.HINDCAST_HEADER_SECONDS,
      idleSeconds: read.HINDCAST_IDLE_SECONDS,
    },
    onlyTrustedDocuments: read.HINDCAST_DOCUMENTS === 'trusted',
    documentsFolder: read.HINDCAST_DOCUMENTS_FOLDER ?? null,
    apiKey: read.HINDCAST_API_KEY ?? null,
    reason: read.HINDCAST_REASON ?? null,
    logLevel: read.HINDCAST_LOG_LEVEL,
    hasMetrics: read.HINDCAST_METRICS,
    slowMs: read.HINDCAST_SLOW_MS ?? null,
    ...overrides,
    dataFolder,
  };
};

const accessOf = (read: Environment): AccessConfig => ({
  hosts: [
    ...(read.HINDCAST_PUBLIC_URL === undefined ? [] : [new URL(read.HINDCAST_PUBLIC_URL).hostname]),
    ...(read.HINDCAST_HOSTS ?? '').split(',').map((host) => host.trim()),
  ].filter((host) => host !== ''),
  oidc: oidcOf(read),
  needReason: read.HINDCAST_REQUIRE_REASON,
  introspection:
    read.HINDCAST_INTROSPECTION === undefined ? null : read.HINDCAST_INTROSPECTION === '1',
  rate: read.HINDCAST_RATE,
  concurrency: read.HINDCAST_CONCURRENCY,
});

const oidcOf = (read: Environment): OidcOptions | null => {
  const { HINDCAST_OIDC_ISSUER: issuer, HINDCAST_OIDC_AUDIENCE: audience } = read;
  if (issuer === undefined && audience === undefined) return null;
  if (issuer === undefined || audience === undefined) {
    throw new ConfigError('Set both HINDCAST_OIDC_ISSUER and HINDCAST_OIDC_AUDIENCE, or neither.');
  }
  return {
    issuer,
    audience,
    jwksUrl: read.HINDCAST_OIDC_JWKS_URL ?? null,
    nameClaim: read.HINDCAST_OIDC_NAME_CLAIM,
    scopesClaim: read.HINDCAST_OIDC_SCOPES_CLAIM,
    modelsClaim: read.HINDCAST_OIDC_MODELS_CLAIM,
  };
};

/** Whether colours are welcome on a terminal (https://no-color.org). */
export const wantsColor = (variables: NodeJS.ProcessEnv = process.env): boolean =>
  (variables.NO_COLOR ?? '') === '';

/** Whether OpenTelemetry spans are made. */
export const wantsTraces = (variables: NodeJS.ProcessEnv = process.env): boolean =>
  variables.HINDCAST_TRACES === '1';

/** Whether somebody is looking for a fault in Hindcast itself: errors then come with their stack. */
export const isDebugging = (variables: NodeJS.ProcessEnv = process.env): boolean =>
  variables.HINDCAST_LOG_LEVEL === 'debug' || variables.HINDCAST_LOG_LEVEL === 'trace';
