import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65535);

const environment = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(500).default(10),
  HINDCAST_DATA: z.string().min(1).default('.hindcast'),
  HINDCAST_HOST: z.string().min(1).default('127.0.0.1'),
  HINDCAST_PORT: port.default(4000),
  HINDCAST_ACTOR: z.string().min(1).max(200).optional(),
  HINDCAST_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info'),
  USER: z.string().optional(),
});

/** Everything the process reads from its environment. */
export interface Config {
  /** PostgreSQL connection string; null for the embedded database. */
  readonly databaseUrl: string | null;
  /** Most connections to PostgreSQL at once. */
  readonly poolSize: number;
  /** Absolute path of the embedded database's folder. */
  readonly dataFolder: string;
  readonly host: string;
  readonly port: number;
  /** Who is recorded as the author of facts when nobody else is known. */
  readonly actor: string;
  readonly logLevel: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration; `overrides` are command-line options, which win over the environment. */
export const readConfig = (
  overrides: Partial<Config> = {},
  variables: NodeJS.ProcessEnv = process.env,
): Config => {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`The environment is not usable.\n  ${issues.join('\n  ')}`);
  }
  const read = parsed.data;
  const data = overrides.dataFolder ?? read.HINDCAST_DATA;
  return {
    databaseUrl: read.DATABASE_URL ?? null,
    poolSize: read.DATABASE_POOL_SIZE,
    host: read.HINDCAST_HOST,
    port: read.HINDCAST_PORT,
    actor: read.HINDCAST_ACTOR ?? read.USER ?? 'local',
    logLevel: read.HINDCAST_LOG_LEVEL,
    ...overrides,
    dataFolder: isAbsolute(data) ? data : resolve(data),
  };
};

/** Whether colours are welcome on a terminal (https://no-color.org). */
export const wantsColor = (variables: NodeJS.ProcessEnv = process.env): boolean =>
  (variables.NO_COLOR ?? '') === '';

/** Whether somebody is looking for a fault in Hindcast itself: errors then come with their stack. */
export const isDebugging = (variables: NodeJS.ProcessEnv = process.env): boolean =>
  variables.HINDCAST_LOG_LEVEL === 'debug' || variables.HINDCAST_LOG_LEVEL === 'trace';
