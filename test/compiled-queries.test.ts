import {
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql';
import { createYoga } from 'graphql-yoga';
import { expect, it } from 'vitest';
import { IMMUTABLE } from '../src/platform/immutable-type.ts';
import { useCompiledQueries } from '../src/server/compiled-queries.ts';
import { joined } from '../src/server/promised-text.ts';

const text = { type: GraphQLString };
const required = { type: new GraphQLNonNull(GraphQLString) };
const fails = (message: string) => ({ resolve: () => Promise.reject(new Error(message)) });
const throws = (message: string) => ({
  resolve: () => {
    throw new Error(message);
  },
});

const Named = new GraphQLInterfaceType({ name: 'Named', fields: { name: text } });
const leaves = {
  name: text,
  absent: required,
  late: { ...text, ...fails('late') },
  lateRequired: { ...required, ...fails('late and required') },
  thrown: { ...text, ...throws('thrown') },
  thrownRequired: { ...required, ...throws('thrown and required') },
  number: { type: GraphQLInt, resolve: () => 2 ** 40 },
  returned: { ...text, resolve: () => new Error('returned') },
};
let reads = 0;
const Leaf: GraphQLObjectType = new GraphQLObjectType({
  name: 'Leaf',
  interfaces: [Named],
  extensions: { ...IMMUTABLE },
  fields: () => ({
    ...leaves,
    read: {
      ...text,
      resolve: (source: unknown) => {
        reads += 1;
        return Reflect.get(Object(source), 'name');
      },
    },
    asked: {
      ...text,
      resolve: (_source: unknown, _args: unknown, context: { n: number }) => String(context.n),
    },
    next: { type: Leaf, resolve: async (source: unknown) => source },
    self: { type: new GraphQLNonNull(Leaf), resolve: (source: unknown) => source },
  }),
});
const Other = new GraphQLObjectType({ name: 'Other', interfaces: [Named], fields: leaves });
const Either = new GraphQLUnionType({ name: 'Either', types: [Leaf, Other] });

const leaf = { name: 'leaf "1"\u2028', __typename: 'Leaf' };
const other = { name: null, __typename: 'Other' };
const mixed = () => [
  leaf,
  null,
  Promise.resolve(other),
  new Error('item'),
  Promise.reject(new Error('late item')),
];

const Query = new GraphQLObjectType({
  name: 'Query',
  fields: {
    leaf: { type: Leaf, resolve: () => leaf },
    must: { type: new GraphQLNonNull(Leaf), resolve: async () => leaf },
    named: { type: new GraphQLList(Named), resolve: mixed },
    either: {
      type: new GraphQLList(new GraphQLNonNull(Either)),
      resolve: () => [Promise.resolve(other), leaf, null],
    },
    noList: { type: new GraphQLList(GraphQLInt), resolve: () => 1 },
    matrix: {
      type: new GraphQLList(new GraphQLList(GraphQLInt)),
      resolve: () => [[1, null], null, []],
    },
    echo: {
      ...text,
      args: { text: { ...text, defaultValue: 'default' } },
      resolve: (_: unknown, args: object) => JSON.stringify(args),
    },
    where: {
      ...text,
      resolve: (
        _: unknown,
        __: unknown,
        ___: unknown,
        info: { fieldName: string; path: { key: unknown } },
      ) => `${info.fieldName} ${info.path.key}`,
    },
  },
});
const schema = new GraphQLSchema({ query: Query, types: [Leaf, Other] });

let asked = 0;
const options = {
  schema,
  maskedErrors: false,
  logging: false,
  context: () => {
    asked += 1;
    return { n: asked };
  },
} as const;
const plain = createYoga(options);
const compiling = createYoga({ ...options, plugins: [useCompiledQueries(schema)] });

const ask = async (yoga: typeof plain, query: string, variables: object): Promise<unknown> => {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
};

it.each([
  ['values', '{ leaf { name __typename next { name } } matrix a: echo where b: where }'],
  ['errors where null may be', '{ leaf { name late thrown number returned } noList }'],
  [
    'errors where it may not',
    '{ leaf { self { lateRequired } } must { next { thrownRequired name } } }',
  ],
  ['an absent value that is required', '{ leaf { name next { absent } } }'],
  ['an error that takes all data away', '{ must { self { thrownRequired late } } leaf { name } }'],
  ['a late error that does', '{ leaf { name } must { lateRequired name } }'],
  ['lists of anything', '{ named { name __typename ... on Leaf { late } } }'],
  ['lists of what is required', '{ either { ... on Named { name } ... on Leaf { thrown } } }'],
  [
    'fields that are asked for twice',
    '{ leaf { self { name } ...F } } fragment F on Leaf { self { __typename ...G } } fragment G on Named { name }',
  ],
])('compiled queries answer as others do: %s', async (_, query) => {
  const expected = await ask(plain, query, {});
  for (let time = 0; time < 5; time += 1) {
    expect(await ask(compiling, query, {})).toEqual(expected);
  }
});

it('an item that cannot be written leaves no failure of those after it unheard', async () => {
  const write = (item: unknown) => {
    if (item === null) throw new Error('absent');
    return Promise.resolve(item).then(String);
  };
  const late = () => Promise.reject(new Error('late'));
  const items = (before: readonly unknown[]) => [...before, null, late(), late()];
  const joinItems = (before: readonly unknown[]) =>
    joined(['[', ']'], items(before), () => ',', write);
  expect(() => joinItems([])).toThrow('absent');
  await expect(joinItems([late()])).rejects.toThrow('absent');
});

it('variables decide what is included, and what arguments are', async () => {
  const query =
    'query Q($yes: Boolean!, $text: String) { leaf @include(if: $yes) { name } echo(text: $text) @skip(if: $yes) c: echo(text: "c") }';
  for (const variables of [
    { yes: true },
    { yes: false },
    { yes: false, text: 'given' },
    { yes: true },
    { yes: false, text: null },
  ]) {
    for (let time = 0; time < 4; time += 1) {
      expect(await ask(compiling, query, variables)).toEqual(await ask(plain, query, variables));
    }
  }
});

it('what follows from an immutable object alone is read once, and nothing else is', async () => {
  const query = '{ leaf { name read asked } }';
  for (let time = 0; time < 4; time += 1) await ask(compiling, query, {});
  reads = 0;
  const answers = [await ask(compiling, query, {}), await ask(compiling, query, {})];
  expect(reads).toBe(0);
  expect(answers).toEqual([
    { data: { leaf: { name: leaf.name, read: leaf.name, asked: String(asked - 1) } } },
    { data: { leaf: { name: leaf.name, read: leaf.name, asked: String(asked) } } },
  ]);
});
