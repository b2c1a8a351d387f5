import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineGlue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { afterAll, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { migrate } from '../src/platform/migrate.ts';
import { openPglite } from '../src/platform/pglite.ts';
import { openTestDatabase } from './setup/hindcast.ts';

// The migration says two things that Prisma cannot: the log does not re-check its references, and neither do outcomes.
const KNOWN_DIFFERENCES = [
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_feature_schema_id_fkey" FOREIGN KEY ("feature_schema_id") REFERENCES "feature_schema"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_outcome" ADD CONSTRAINT "prediction_outcome_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
];

// Prisma's engine cannot read PostgreSQL's own catalogs through its adapter for it, so it reads those of PGlite; the
// second test shows that the catalogs are the same.
const embedded = await openPglite({ memory: true });
await migrate(embedded);
const database = await openTestDatabase();
afterAll(async () => {
  await embedded.close();
  await database.close();
});

/** Prisma's own engine for `migrate diff`, in WebAssembly, on the embedded database. */
const openEngine = async (files: { path: string; content: string }[]) => {
  const path = createRequire(import.meta.url).resolve(
    '@prisma/schema-engine-wasm/schema_engine_bg',
  );
  const bytes = await readFile(path.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': engineGlue,
  });
  engineGlue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return engineGlue.SchemaEngine.new(
    { datamodels: files.map(({ path: name, content }) => [name, content]) },
    () => {},
    bindMigrationAwareSqlAdapterFactory(embedded.prismaAdapter),
  );
};

it('leaves no difference between the migrated database and schema.prisma but the known ones', async () => {
  const folder = fileURLToPath(new URL('../prisma', import.meta.url));
  const files = [
    { path: 'schema.prisma', content: await readFile(`${folder}/schema.prisma`, 'utf8') },
  ];
  const engine = await openEngine(files);
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: folder },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  const statements = (stdout ?? '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .map((line) => line.replace(/;$/, ''));
  expect(statements.sort()).toEqual(KNOWN_DIFFERENCES);
});

const CATALOG = `
  SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
         || coalesce(' ' || collation_name, '') || coalesce(' ' || column_default, '') AS line
    FROM information_schema.columns WHERE table_schema = 'public' AND NOT EXISTS (
      SELECT FROM pg_depend WHERE objid = to_regclass(quote_ident(table_name)) AND deptype = 'e')
  UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
  UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
  UNION ALL SELECT 'enum ' || t.typname || ' ' || e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
    WHERE t.typnamespace = 'public'::regnamespace`;

const catalogOf = async ({ query }: Database): Promise<readonly string[]> => {
  const rows = await query<{ line: string }>({ text: CATALOG });
  return rows.map(({ line }) => line).sort();
};

it('gives the database under test the same tables, indexes, constraints and triggers as the embedded one', async () => {
  const catalog = await catalogOf(embedded);
  expect(catalog.length).toBeGreaterThan(200);
  expect(await catalogOf(database)).toEqual(catalog);
});
