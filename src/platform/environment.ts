import { z } from 'zod';
import { ConfigError } from './config-error.ts';

const port = z.coerce.number().int().min(0).max(65535);

/** 1 or 0. */
const flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((text) => text === '1');

/** Whether it is an address whose answers nobody on the way can exchange. */
export const isSecureUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
};

const secureUrl = z.string().url().refine(isSecureUrl, 'must start with https://');
const postgresUrl = z
  .string()
  .trim()
  .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://');

const environment = z.object({
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_REPLICA_URL: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(postgresUrl))
    .default([]),
  HINDCAST_STATEMENT_SECONDS: z.coerce.number().int().min(0).max(86_400).default(60),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(500).default(10),
  DATABASE_WAIT_SECONDS: z.coerce.number().int().min(1).max(600).default(10),
  HINDCAST_DATA: z.string().min(1).default('.hindcast'),
  HINDCAST_ARTIFACTS: z.string().min(1).optional(),
  HINDCAST_ARCHIVE: z.string().min(1).optional(),
  HINDCAST_PARTITIONS_AHEAD: z.coerce.number().int().min(0).max(520).default(4),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_REGION: z.string().default('us-east-1'),
  AWS_ENDPOINT_URL_S3: z.string().url().optional(),
  HINDCAST_INFERENCE_URL: z.string().url().optional(),
  HINDCAST_SIGNING_KEY: z.string().min(1).optional(),
  HINDCAST_SEAL_SECONDS: z.coerce.number().int().min(1).max(86_400).default(10),
  HINDCAST_HOST: z.string().min(1).default('127.0.0.1'),
  HINDCAST_PORT: port.default(4000),
  HINDCAST_ACTOR: z.string().min(1).max(200).optional(),
  HINDCAST_PUBLIC_URL: z.string().url().optional(),
  HINDCAST_HOSTS: z.string().optional(),
  HINDCAST_OIDC_ISSUER: secureUrl.optional(),
  HINDCAST_OIDC_AUDIENCE: z.string().min(1).optional(),
  HINDCAST_OIDC_JWKS_URL: secureUrl.optional(),
  HINDCAST_OIDC_NAME_CLAIM: z.string().min(1).default('sub'),
  HINDCAST_OIDC_SCOPES_CLAIM: z.string().min(1).default('scope'),
  HINDCAST_OIDC_MODELS_CLAIM: z.string().min(1).default('hindcast_models'),
  HINDCAST_REQUIRE_REASON: flag,
  HINDCAST_INTROSPECTION: z.enum(['0', '1']).optional(),
  HINDCAST_DOCUMENTS: z.enum(['any', 'trusted']).default('any'),
  HINDCAST_DOCUMENTS_FOLDER: z.string().min(1).optional(),
  HINDCAST_RATE: z.coerce.number().int().min(1).max(1_000_000_000).default(20_000),
  HINDCAST_CONCURRENCY: z.coerce.number().int().min(1).max(100_000).default(512),
  HINDCAST_CONNECTIONS: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  HINDCAST_HEADER_SECONDS: z.coerce.number().int().min(1).max(600).default(10),
  HINDCAST_IDLE_SECONDS: z.coerce.number().int().min(1).max(3600).default(65),
  HINDCAST_API_KEY: z.string().min(1).optional(),
  HINDCAST_REASON: z.string().min(1).optional(),
  HINDCAST_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info'),
  HINDCAST_METRICS: flag,
  HINDCAST_SLOW_MS: z.coerce.number().int().min(1).max(3_600_000).optional(),
  USER: z.string().optional(),
});

/** Variables that may hold a secret, whose values are not repeated. */
const SECRET = /KEY|SECRET|TOKEN|URL/;

/** What the environment says, each variable read and checked by itself. */
export type Environment = z.infer<typeof environment>;

/** Reads variables; an empty one counts as not set. */
export const readEnvironment = (variables: NodeJS.ProcessEnv): Environment => {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return SECRET.test(name)
        ? `${name}: ${message}`
        : `${name} is ${JSON.stringify(set[name])}: ${message}`;
    });
    throw new ConfigError(`The environment is not usable.\n  ${issues.join('\n  ')}`);
  }
  return parsed.data;
};
