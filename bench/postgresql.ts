import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A database of its own on the server that `DATABASE_URL` names. */
export interface Scratch {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly drop: () => Promise<void>;
}

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

/** Creates a database; `template` is one to copy, which nobody may be using. */
export const createScratch = async (url: string, template = 'template0'): Promise<Scratch> => {
  const name = `hindcast_bench_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const own = withDatabase(url, name);
  const pool = new pg.Pool({ connectionString: own, max: 8 });
  return {
    url: own,
    pool,
    drop: async () => {
      await pool.end();
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
};

export const nameOf = ({ url }: Scratch): string => new URL(url).pathname.slice(1);

/** Makes a table ready to be read: statistics, visibility and hint bits are there. */
export const settle = async ({ pool }: Scratch): Promise<void> => {
  await pool.query('VACUUM (ANALYZE)');
  await pool.query('CHECKPOINT');
};
