import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readMigrations } from './migrate.ts';
import { EMBEDDED_ENGINE } from './version.ts';

/** Where the build leaves it. The name says what it was made with, so that none is taken that was made with something else. */
export const snapshotPath = async (): Promise<string> => {
  const hash = createHash('sha256').update(EMBEDDED_ENGINE);
  for (const { name, checksum } of await readMigrations()) hash.update(`\n${name} ${checksum}`);
  const name = `embedded-${hash.digest('hex').slice(0, 16)}.tar.gz`;
  return fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
};

/** A migrated database with nothing in it, to begin with: making one takes several times as long. Null before the build. */
export const readSnapshot = async (): Promise<Blob | null> => {
  const path = await snapshotPath();
  return existsSync(path) ? new Blob([await promisify(gunzip)(await readFile(path))]) : null;
};
