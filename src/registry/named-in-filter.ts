import type { Database } from '../platform/database.ts';
import type { Issues } from '../platform/issues.ts';
import { nearestName } from '../platform/nearest-name.ts';
import { modelByName } from './model.ts';
import { findModelVersion, type ModelVersionReference } from './model-version.ts';

type Path = readonly (string | number)[];

/** Most names that are looked at for the one that was meant. */
const MAX_NAMES = 1000;

const unknownModel = async (database: Database, name: string): Promise<string> => {
  const rows = await database.prisma.model.findMany({
    select: { name: true },
    orderBy: { name: 'asc' },
    take: MAX_NAMES,
  });
  const nearest = nearestName(
    name,
    rows.map((row) => row.name),
  );
  const meant = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`;
  return `There is no model ${JSON.stringify(name.slice(0, 100))}.${meant}`;
};

/** Row of the model that a filter names; null when it names none, or after noting that there is none. */
export const modelIdOf = async (
  database: Database,
  name: string | null | undefined,
  path: Path,
  issues: Issues,
): Promise<number | null> => {
  if (name == null) return null;
  const found = await modelByName(database).load(name);
  if (found === null) issues.add(path, await unknownModel(database, name));
  return found?.id ?? null;
};

/** Row of the version that a filter names; null when it names none, or after noting that there is none. */
export const modelVersionIdOf = async (
  database: Database,
  reference: ModelVersionReference | null | undefined,
  path: Path,
  issues: Issues,
): Promise<number | null> => {
  if (reference == null) return null;
  const found = await findModelVersion(database, reference);
  if (found === null) issues.add(path, 'There is no such model version.');
  return found?.id ?? null;
};
