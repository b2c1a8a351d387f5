import { readdir, readFile } from 'node:fs/promises';
import { Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../src/schema.ts';
import { OPERATIONS_FOLDER, readOperations } from '../src/server/operations.ts';

const operations = await readOperations();
const commands = await readdir(`${OPERATIONS_FOLDER}command`);

describe('operations/', () => {
  it('holds operations and their variables, nothing else', async () => {
    const expected = operations.flatMap(({ name, variables }) =>
      variables === null ? [`${name}.graphql`] : [`${name}.graphql`, `${name}.variables.json`],
    );
    expect((await readdir(OPERATIONS_FOLDER)).sort()).toEqual(['command', ...expected.sort()]);
  });

  it.each(commands)('command/%s is a valid operation of the command line', async (file) => {
    const document = parse(await readFile(`${OPERATIONS_FOLDER}command/${file}`, 'utf8'));
    expect(validate(schema, document)).toEqual([]);
  });

  it.each(operations)('$name is one valid operation', ({ query }) => {
    const document = parse(query);
    const names = document.definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value ?? null] : [],
    );
    expect(names).toEqual([expect.any(String)]);
    expect(validate(schema, document)).toEqual([]);
  });

  it.each(operations)('$name has a value for each required variable', ({ query, variables }) => {
    const given = Object.keys(variables === null ? {} : JSON.parse(variables));
    const declared = parse(query).definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
    );
    const required = declared.filter(
      ({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined,
    );
    expect(declared.map(({ variable }) => variable.name.value)).toEqual(
      expect.arrayContaining(given),
    );
    expect(given).toEqual(
      expect.arrayContaining(required.map(({ variable }) => variable.name.value)),
    );
  });
});
