import { notAPackageName, parsePackageName } from '../evidence/runtime-environment.ts';
import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { nearestName } from '../platform/nearest-name.ts';
import { needs } from '../platform/needs.ts';
import { type PageArguments, pageArguments, pageCost } from '../platform/pagination.ts';
import { comparableText } from '../platform/storable-text.ts';
import { ModelVersionConnection, modelVersionPage } from './model-versions.ts';

/** Most versions of a package that a caller may name. */
const MAX_PACKAGE_VERSIONS = 100;

/** Most names that are looked at for the one that was meant. */
const MAX_NAMES = 5000;

/** Why nothing uses a package of this name; null when something does. One statement. */
const unknownPackage = async (database: Database, name: string): Promise<string | null> => {
  const rows = await database.query<{ name: string }>({
    name: 'known_package_names',
    text: `SELECT DISTINCT name FROM runtime_package WHERE name = $1::text
      UNION ALL (SELECT DISTINCT name FROM runtime_package ORDER BY name LIMIT ${MAX_NAMES})`,
    values: [name],
  });
  const known = rows.map((row) => row.name);
  if (known.includes(name)) return null;
  const nearest = nearestName(name, known);
  const meant = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  return `No environment has ${JSON.stringify(name)} installed.${meant}`;
};

const usersOf = async (
  database: Database,
  name: string,
  versions: readonly string[] | null,
  args: PageArguments,
) => {
  const canonical = parsePackageName(name);
  if (canonical === null) {
    throw argumentError({ path: ['name'], message: notAPackageName(name) });
  }
  if (versions !== null && (versions.length < 1 || versions.length > MAX_PACKAGE_VERSIONS)) {
    const message = `Give 1 to ${MAX_PACKAGE_VERSIONS} versions; ${versions.length} were given.`;
    throw argumentError({ path: ['versions'], message });
  }
  const wanted = versions === null ? {} : { version: { in: versions.map(comparableText) } };
  const packages = { some: { name: canonical, ...wanted } };
  const page = await modelVersionPage(database, { runtimeEnvironment: { packages } }, args);
  if (page.edges.length > 0) return page;
  const message = await unknownPackage(database, canonical);
  if (message === null) return page;
  throw argumentError({ path: ['name'], message });
};

builder.queryField('usesPackage', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: ModelVersionConnection,
    nullable: true,
    description:
      'Model versions whose environment has a package installed, newest registration first. A package that no environment has is refused, naming the nearest that one has.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      name: t.arg.string({
        required: true,
        description: 'Package URL without version, such as `pkg:pypi/numpy`.',
      }),
      versions: t.arg.stringList({
        description: `Exact versions, 1 to ${MAX_PACKAGE_VERSIONS}; any when omitted.`,
      }),
    },
    resolve: (_, { name, versions, ...args }, { database }) =>
      usersOf(database, name, versions ?? null, args),
  }),
);
