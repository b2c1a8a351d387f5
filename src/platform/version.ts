import { readFileSync } from 'node:fs';
import { z } from 'zod';

const { version, dependencies } = z
  .object({ version: z.string(), dependencies: z.object({ '@electric-sql/pglite': z.string() }) })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

/** The version of this Hindcast, as its package says. */
export const VERSION: string = version;

/** The version of the embedded database. */
export const EMBEDDED_ENGINE: string = dependencies['@electric-sql/pglite'];
