import type { Session } from '../platform/database.ts';
import { formatInstant } from '../platform/instant.ts';
import {
  type Migration,
  migrate,
  readMigrations,
  unappliedMigrations,
} from '../platform/migrate.ts';
import { weekOfPartition } from '../prediction/partitions.ts';
import {
  type DataTable,
  dataTables,
  filledTables,
  liftedRules,
  PATIENCE,
  quoted,
} from './catalog.ts';
import { readCopyFile } from './copy-file.ts';
import type { Installation } from './export.ts';
import { ExportError } from './export-error.ts';
import { importFiles } from './export-files.ts';
import { type Manifest, migrationsOf, partsOf } from './manifest.ts';

const refuseFilled = async (
  session: Pick<Session, 'query'>,
  tables: readonly DataTable[],
  location: string,
): Promise<void> => {
  const filled = await filledTables(session, tables);
  if (filled.length === 0) return;
  const named = new Set(filled.map((name) => (weekOfPartition(name) ? 'prediction_log' : name)));
  throw new ExportError(
    `${location} is not empty: there are rows in ${[...named].join(', ')}. Import into a new database or folder.`,
  );
};

/** Brings an empty database to the migrations that the export was made with, and not further. */
const prepare = async (
  { database }: Installation,
  wanted: readonly Migration[],
  ours: readonly Migration[],
): Promise<void> => {
  await refuseFilled(database, await dataTables(database), database.location);
  const missing = new Set(await unappliedMigrations(database, ours));
  const ahead = ours.find((one) => !missing.has(one) && !wanted.includes(one));
  if (ahead !== undefined) {
    throw new ExportError(
      `The export is from before migration ${ahead.name}, which ${database.location} has. Import into a database or folder that is not migrated: that is done afterwards.`,
    );
  }
  await migrate(database, wanted);
};

/** Throws unless the rows of the export fit the tables. */
const refuseMisfit = ({ tables }: Manifest, own: readonly DataTable[]): void => {
  const shape = (columns: readonly string[]) => [...columns].sort().join(', ');
  const expected = new Map(own.map(({ name, columns }) => [name, shape(columns)]));
  for (const { name, columns } of tables) {
    const wanted = expected.get(name);
    expected.delete(name);
    if (wanted === shape(columns)) continue;
    if (wanted === undefined && weekOfPartition(name) !== null) continue;
    throw new ExportError(
      wanted === undefined
        ? `The export has a table ${name}, which is none of Hindcast's.`
        : `The export has other columns of ${name} (${shape(columns)}) than the database (${wanted}).`,
    );
  }
  const lacking = own.find(({ name, isPartition }) => !isPartition && expected.has(name));
  if (lacking !== undefined) throw new ExportError(`The export has no rows of ${lacking.name}.`);
};

type Part = Manifest['tables'][number];

const copyRows = async (
  session: Session,
  folder: string,
  { name, columns, rows }: Part,
  report: (rows: number) => void,
): Promise<void> => {
  const target = `${quoted(name)} (${columns.map(quoted).join(', ')})`;
  const count = await readCopyFile(partsOf(folder).table(name), async (text, more) => {
    await session.copy(target, text);
    report(more);
  });
  if (count !== rows) {
    throw new ExportError(`The export has ${count} rows of ${name}, and says ${rows}.`);
  }
};

/** Rows go into a table of their own, which becomes a partition afterwards: indexes are built at once then. */
const importPartition = async (
  session: Session,
  name: string,
  copy: () => Promise<void>,
): Promise<void> => {
  const week = weekOfPartition(name);
  if (week === null) return copy();
  await session.query({
    text: `CREATE TABLE ${name} (LIKE prediction_log INCLUDING ALL EXCLUDING INDEXES)`,
  });
  await copy();
  await session.query({
    text: `ALTER TABLE prediction_log ATTACH PARTITION ${name}
      FOR VALUES FROM ('${formatInstant(week.from)}') TO ('${formatInstant(week.to)}')`,
  });
};

const load = async (
  session: Session,
  folder: string,
  manifest: Manifest,
  location: string,
  report: (rows: number) => void,
): Promise<void> => {
  await session.query({ text: PATIENCE });
  const own = await dataTables(session);
  const names = own.map(({ name }) => quoted(name));
  await session.query({ text: `LOCK TABLE ${names.join(', ')} IN ACCESS EXCLUSIVE MODE` });
  await refuseFilled(session, own, location);
  refuseMisfit(manifest, own);
  const rules = await liftedRules(session);
  for (const { apply } of rules) await session.query({ text: apply });
  const existing = new Set(own.map(({ name }) => name));
  for (const part of manifest.tables) {
    const copy = () => copyRows(session, folder, part, report);
    await (existing.has(part.name) ? copy() : importPartition(session, part.name, copy));
  }
  for (const { undo } of rules) await session.query({ text: undo });
  for (const { name, value } of manifest.sequences) {
    await session.query({
      text: 'SELECT setval(quote_ident($1)::regclass, $2::text::bigint)',
      values: [name, value],
    });
  }
};

/**
 * Fills an empty installation with what was exported, in one transaction, and then brings it up to date. Rows are as they
 * were: nothing is stamped, numbered or committed to anew.
 */
export const importInstallation = async (
  installation: Installation,
  folder: string,
  manifest: Manifest,
  report: (rows: number) => void = () => undefined,
): Promise<void> => {
  const { database } = installation;
  const ours = await readMigrations();
  await prepare(installation, migrationsOf(manifest, ours), ours);
  await database.transaction(async (session) => {
    await load(session, folder, manifest, database.location, report);
    // Before the commit: what the database names must be there.
    await importFiles(folder, manifest, installation);
  });
  await migrate(database, ours);
  await database.session((session) => session.query({ text: 'ANALYZE' }));
};
