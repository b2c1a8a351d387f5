import { writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from '../schema.ts';

/** The schema as text, sorted, so that a difference shows what changed and nothing else. */
export const schemaText = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`;

/** Writes the schema's text into a file. */
export const writeSchema = (file: string): Promise<void> => writeFile(file, schemaText());
