import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export type Duckdb = typeof import('@duckdb/node-api');

/** Archives cannot be written or read here. */
export class DuckdbUnavailableError extends Error {
  override readonly name = 'DuckdbUnavailableError';
  constructor() {
    super(
      '@duckdb/node-api is not installed here, or not for this platform; archives are written and read with it: `npm install @duckdb/node-api` beside Hindcast.',
    );
  }
}

let loading: Promise<Duckdb | null> | undefined;

/** The package is optional. Throws a {@link DuckdbUnavailableError} where it is not there. */
export const loadDuckdb = async (): Promise<Duckdb> => {
  loading ??= import('@duckdb/node-api').catch(() => null);
  const duckdb = await loading;
  if (duckdb === null) throw new DuckdbUnavailableError();
  return duckdb;
};

/** Memory goes to disk before it grows beyond this, and two threads leave the rest of the machine alone. */
const LIMITS = { memory_limit: '512MB', threads: '2' };

/** A database of DuckDB in a file of its own, for what does not fit into memory. */
export const openDuckdbFile = async (folder: string): Promise<DuckDBInstance> => {
  const { DuckDBInstance } = await loadDuckdb();
  return DuckDBInstance.create(`${folder}/stage.duckdb`, {
    ...LIMITS,
    temp_directory: `${folder}/spill`,
  });
};

let shared: Promise<DuckDBInstance> | undefined;

/** Runs `work` on a connection to a database without tables, on which files are read. */
export const withDuckdb = async <Result>(
  work: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> => {
  const { DuckDBInstance } = await loadDuckdb();
  shared ??= DuckDBInstance.create(':memory:', LIMITS);
  const connection = await (await shared).connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
  }
};
