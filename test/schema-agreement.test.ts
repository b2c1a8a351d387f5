import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineGlue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { afterAll, expect, it } from 'vitest';
import { openTestDatabase } from './setup/hindcast.ts';

// The migration says two things that Prisma cannot: the log does not re-check its references, and neither do outcomes.
const KNOWN_DIFFERENCES = [
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_feature_schema_id_fkey" FOREIGN KEY ("feature_schema_id") REFERENCES "feature_schema"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_log" ADD CONSTRAINT "prediction_log_model_version_id_fkey" FOREIGN KEY ("model_version_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
  'ALTER TABLE "prediction_outcome" ADD CONSTRAINT "prediction_outcome_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "endpoint"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
];

const database = await openTestDatabase();
afterAll(() => database.close());

/** Prisma's own engine for `migrate diff`, in WebAssembly, on the test database. */
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
    bindMigrationAwareSqlAdapterFactory(database.prismaAdapter),
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
