import DataLoader from 'dataloader';
import { featureSchemaById } from '../evidence/feature-schema.ts';
import { type Context, perRequest } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { referenced } from '../platform/immutable-cache.ts';
import type { FeatureSlots } from './feature-layout.ts';
import { codecOf } from './schema-codec.ts';

/** Where a feature stands in the rows that were built with one schema. */
export interface FeatureOccurrence extends FeatureSlots {
  readonly featureSchemaId: number;
  readonly isSensitive: boolean;
  /** Position of its status among the statuses of a row, from 0. */
  readonly position: number;
}

const occurrenceIn = async (
  database: Database,
  featureSchemaId: number,
  name: string,
): Promise<FeatureOccurrence> => {
  const schema = referenced(await featureSchemaById(database).load(featureSchemaId));
  const { layout } = codecOf(schema);
  const position = layout.findIndex(({ field }) => field.name === name);
  const slots = referenced(layout[position] ?? null);
  return { ...slots, featureSchemaId, position, isSensitive: slots.field.isSensitive };
};

/**
 * Every schema that declares a feature, by the feature's name; none for an unknown one. One statement a tick, since a new
 * schema may declare it at any time; the schemas themselves are remembered.
 */
export const featureOccurrences = perRequest(
  ({ database }: Context) =>
    new DataLoader<string, readonly FeatureOccurrence[]>(async (names) => {
      const rows = await database.query<{ name: string; ids: number[] }>({
        name: 'schemas_with_features',
        text: `SELECT name, array_agg(feature_schema_id ORDER BY feature_schema_id) AS ids
          FROM feature_field WHERE name = ANY($1::text[]) GROUP BY name`,
        values: [[...names]],
      });
      const byName = new Map(rows.map(({ name, ids }) => [name, ids]));
      return Promise.all(
        names.map((name) =>
          Promise.all((byName.get(name) ?? []).map((id) => occurrenceIn(database, id, name))),
        ),
      );
    }),
);

/** Names of features, to be named to a caller who got one wrong: at most 1000, in byte order. */
export const knownFeatureNames = async (database: Database): Promise<readonly string[]> => {
  const rows = await database.query<{ name: string }>({
    name: 'known_feature_names',
    text: 'SELECT DISTINCT name COLLATE "C" AS name FROM feature_field ORDER BY 1 LIMIT 1000',
  });
  return rows.map(({ name }) => name);
};
