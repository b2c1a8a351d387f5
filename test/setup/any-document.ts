import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { anyValue, type Pools } from './any-value.ts';
import type { Random } from './random.ts';

/** A random operation over a schema. */
export interface AnyDocument {
  readonly query: string;
  /** The body of a request for it, as JSON text: digits must not be lost. */
  readonly body: string;
  readonly variables: string;
  readonly isMutation: boolean;
}

const DIRECTIVES = [
  '',
  '',
  '',
  '',
  '',
  '',
  '',
  ' @include(if: true)',
  ' @skip(if: false)',
  ' @nothing',
];

/** Writes operations with arguments of right and wrong types, some in the text and some in variables. */
export const anyDocument = (schema: GraphQLSchema, random: Random, pools: Pools): AnyDocument => {
  const declared: string[] = [];
  const variables: string[] = [];

  const argument = ({ name, type, defaultValue }: GraphQLArgument): string => {
    const { literal, json } = anyValue(type, random, pools);
    if (!random.isOneIn(3)) return `${name}: ${literal}`;
    const variable = `v${declared.length}`;
    const told = random.isOneIn(40) ? random.pick(['Int', 'String!', '[ID!]', 'Nothing']) : type;
    declared.push(
      `$${variable}: ${String(told)}${defaultValue === undefined && random.isOneIn(15) ? ' = null' : ''}`,
    );
    if (!random.isOneIn(30)) variables.push(`${JSON.stringify(variable)}:${json}`);
    return `${name}: $${variable}`;
  };

  const call = (field: GraphQLField<unknown, unknown>, depth: number): string | null => {
    const inner = selection(getNamedType(field.type), depth - 1);
    if (inner === null) return null;
    const given = field.args.filter((arg) =>
      isRequiredArgument(arg) ? !random.isOneIn(60) : random.isOneIn(arg.name === 'first' ? 2 : 5),
    );
    const args = given.length === 0 ? '' : `(${given.map(argument).join(', ')})`;
    const alias = random.isOneIn(10) ? `a${random.below(5)}: ` : '';
    return `${alias}${field.name}${args}${random.pick(DIRECTIVES)}${inner}`;
  };

  const fieldsOf = (
    type: { readonly getFields: GraphQLObjectType['getFields'] },
    depth: number,
    most: number,
  ): readonly string[] => {
    const all = Object.values(type.getFields());
    const chosen = Array.from({ length: 1 + random.below(most) }, () => random.pick(all));
    const [one] = all.filter((field) => isLeafType(getNamedType(field.type)));
    const texts = [...new Set(chosen)].map((field) => call(field, depth));
    const whole = texts.filter((text) => text !== null);
    return whole.length > 0 || one === undefined ? whole : [one.name];
  };

  /** Null where nothing more may be asked. */
  const selection = (type: GraphQLNamedType, depth: number): string | null => {
    if (isLeafType(type)) return random.isOneIn(300) ? ' { id }' : '';
    if (depth <= 0) return random.isOneIn(300) ? '' : ' { __typename }';
    const parts = isAbstractType(type)
      ? [
          '__typename',
          ...(isInterfaceType(type) ? fieldsOf(type, depth, 2) : []),
          ...schema
            .getPossibleTypes(type)
            .filter(() => random.isOneIn(2))
            .map(
              (each) => `... on ${each.name} { ${fieldsOf(each, depth, 3).join(' ')} __typename }`,
            ),
        ]
      : isObjectType(type)
        ? [...fieldsOf(type, depth, 4), ...(random.isOneIn(100) ? ['nowhere'] : [])]
        : [];
    return ` { ${parts.join(' ') || '__typename'} }`;
  };

  const isMutation = random.isOneIn(5);
  const root = isMutation ? schema.getMutationType() : schema.getQueryType();
  if (root == null) throw new Error('The schema has no root.');
  const parts = fieldsOf(root, 2 + random.below(5), random.isOneIn(4) ? 3 : 1);
  const head = `${isMutation ? 'mutation' : 'query'} Q${declared.length === 0 ? '' : `(${declared.join(', ')})`}`;
  const query = `${head} { ${parts.join(' ')} }`;
  const given = `{${variables.join(',')}}`;
  return {
    query,
    variables: given,
    isMutation,
    body: `{"query":${JSON.stringify(query)},"variables":${given}}`,
  };
};
