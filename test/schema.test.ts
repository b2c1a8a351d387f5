import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { schemaText } from '../src/server/print-schema.ts';

it('is printed in schema.graphql', async () => {
  const committed = await readFile(new URL('../schema.graphql', import.meta.url), 'utf8');
  expect(schemaText(), 'The schema changed: run `npm run schema` and commit the file.').toBe(
    committed,
  );
});
