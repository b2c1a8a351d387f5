import type { FeatureSchema } from '../evidence/feature-schema.ts';
import { codecOf } from './schema-codec.ts';

/** Whether row `l` of this schema has as many values as it says, as SQL. Where not, the row was altered. */
export const fitsSchema = (schema: FeatureSchema): string => {
  const { layout } = codecOf(schema);
  const used = { numbers: 0, integers: 0, texts: 0 };
  for (const { column, length } of layout) used[column] += length;
  return `cardinality(l.numbers) = ${used.numbers} AND cardinality(l.integers) = ${used.integers}
    AND cardinality(l.texts) = ${used.texts} AND coalesce(length(l.statuses), ${layout.length}) = ${layout.length}`;
};
