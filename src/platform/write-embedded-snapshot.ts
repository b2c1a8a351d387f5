import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PGlite } from '@electric-sql/pglite';
import { snapshotPath } from './embedded-snapshot.ts';
import { migrate } from './migrate.ts';
import { openPglite } from './pglite.ts';

/** Makes the snapshot of this build and removes those of earlier ones; does nothing when it is there. */
export const writeSnapshot = async (): Promise<void> => {
  const path = await snapshotPath();
  if (existsSync(path)) return;
  const dist = dirname(path);
  for (const name of await readdir(dist)) {
    if (/^embedded-.*\.tar\.gz$/.test(name)) await rm(join(dist, name));
  }
  const folder = await mkdtemp(join(tmpdir(), 'hindcast-snapshot-'));
  try {
    const database = await openPglite({ folder });
    await migrate(database);
    await database.close();
    const pglite = await PGlite.create({ dataDir: join(folder, 'pgdata') });
    await pglite.exec('CHECKPOINT');
    const tar = await pglite.dumpDataDir('none');
    await pglite.close();
    await writeFile(path, await promisify(gzip)(await tar.arrayBuffer()));
  } finally {
    await rm(folder, { recursive: true });
  }
};
