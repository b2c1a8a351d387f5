import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../platform/canonical-json.ts';
import type { Migration } from '../platform/migrate.ts';
import { ExportError } from './export-error.ts';

const FORMAT = 'hindcast-export/1';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const identifier = z.string().regex(/^[a-z_][a-z0-9_]*$/);

const content = z.strictObject({
  format: z.literal(FORMAT),
  /** Version of Hindcast that made it. */
  hindcast: z.string(),
  createdAt: z.string(),
  engine: z.string(),
  migrations: z.array(z.strictObject({ name: z.string(), checksum: z.string() })),
  tables: z.array(
    z.strictObject({
      name: identifier,
      columns: z.array(identifier),
      rows: z.int(),
      sizeBytes: z.int(),
      digest,
    }),
  ),
  /** The last value that each sequence gave. */
  sequences: z.array(z.strictObject({ name: identifier, value: z.string().regex(/^\d+$/) })),
  /** Files of model versions, and of archived predictions. */
  artifacts: z.array(digest),
  archives: z.array(digest),
  /** Files that the database names and that were altered or gone. */
  missing: z.array(digest),
  /** The newest checkpoint that was kept outside of the database. */
  checkpoint: z.string().nullable(),
  /** The file of the private key that signs, if it was asked for. */
  signingKey: digest.nullable(),
});
const manifest = content.extend({ digest });

/** What is in an export, in the order in which it was written. */
export type ManifestContent = z.infer<typeof content>;
export type Manifest = z.infer<typeof manifest>;

const FILE = 'manifest.json';

/** Where the parts of an export are in its folder. */
export const partsOf = (folder: string) => ({
  tables: join(folder, 'tables'),
  table: (name: string) => join(folder, 'tables', `${name}.copy.gz`),
  artifacts: join(folder, 'artifacts'),
  archives: join(folder, 'archive'),
  signingKey: join(folder, 'signing-key.pem'),
});

/** Written last: without it an export is none. */
export const writeManifest = async (folder: string, parts: ManifestContent): Promise<Manifest> => {
  const written = { ...parts, digest: digestOf(parts) };
  await writeFile(join(folder, FILE), `${JSON.stringify(written, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  return written;
};

const parse = (text: string, folder: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new ExportError(`${folder} was cut off or edited: its ${FILE} is no JSON.`);
  }
};

/** Reads what an export says of itself; throws when that is not what was written. */
export const readManifest = async (folder: string): Promise<Manifest> => {
  const text = await readFile(join(folder, FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ExportError(`${folder} is no export, or was not finished: ${error.message}.`);
  });
  const value = parse(text, folder);
  const { format } = z.object({ format: z.string() }).catch({ format: '' }).parse(value);
  if (format !== FORMAT && format.startsWith('hindcast-export/')) {
    throw new ExportError(
      `${folder} has the format ${JSON.stringify(format)}, and this version of Hindcast reads ${FORMAT}: it was made by a newer version. Install that version or later.`,
    );
  }
  const read = manifest.safeParse(value);
  const { digest: stated, ...parts } = read.data ?? { digest: '' };
  if (!read.success || digestOf(parts) !== stated) {
    throw new ExportError(
      `${folder} was cut off or edited: its ${FILE} is not what was written. Take another copy of it.`,
    );
  }
  return read.data;
};

/** Those of our migrations that an export was made with; throws when it has others. */
export const migrationsOf = (
  { migrations, hindcast }: Manifest,
  ours: readonly Migration[],
): readonly Migration[] =>
  migrations.map(({ name, checksum }) => {
    const own = ours.find((migration) => migration.name === name);
    if (own === undefined) {
      throw new ExportError(
        `The export has migration ${name}, which this version of Hindcast does not know. It was made by a newer version (${hindcast}): install that version or later.`,
      );
    }
    if (own.checksum === checksum) return own;
    throw new ExportError(`Migration ${name} is not the one that the export was made with.`);
  });
