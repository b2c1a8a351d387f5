import { getIntrospectionQuery } from 'graphql';

/** A request that is meant to do harm, and what it must come to. */
export interface Attack {
  readonly name: string;
  /** The body of a POST. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly status: number;
  /** The code of its one kind of error, empty for one without; null where it is harmless, and answered. */
  readonly code: string | null;
}

const many = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

const request = (query: string, variables: object = {}): string =>
  JSON.stringify({ query, variables });

const document = (name: string, query: string, status: number, code: string | null): Attack => ({
  name,
  body: request(query),
  status,
  code,
});

/** With variables as JSON text, for what `JSON.stringify` would not write. */
const withText = (name: string, variables: string, code: string | null, status = 400): Attack => ({
  name,
  body: `{"query":"{ serverInfo { engine } }","variables":${variables}}`,
  status,
  code,
});

const INVALID = 'GRAPHQL_VALIDATION_FAILED';
const SYNTAX = 'GRAPHQL_PARSE_FAILED';
const IDS = 'query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }';

/** A document that would fill the memory if it was remembered. */
export const longComment = (salt: string): string =>
  request(`{ __typename } # ${salt}${'x'.repeat(1_900_000)}`);

/** Documents that would be expensive to parse, to validate, to run or to remember. */
export const expensive = (salt: string): readonly Attack[] => [
  document('an alias flood', `{ ${many(300, (i) => `a${i}: __typename`)} }`, 400, 'ALIAS_LIMIT'),
  document(
    'aliases of the dearest field',
    `{ ${many(30, (i) => `a${i}: predictionLogs(filter: {occurredAt: {from: "2001-01-01T00:00:00Z"}}, first: 200) { nodes { id requestId } }`)} }`,
    400,
    'QUERY_COMPLEXITY',
  ),
  document(
    'deep fragments',
    `{ ...F0 } ${many(40, (i) => `fragment F${i} on Query { __type(name: "Query") { fields { type { ofType { name } } } } ...F${i + 1} }`)} fragment F40 on Query { ${'__type(name: "a") { ofType '.repeat(1)}${'{ ofType '.repeat(20)}{ name }${' }'.repeat(20)} } }`,
    400,
    'DEPTH_LIMIT',
  ),
  document(
    'fragments that double at each level',
    `{ ...F0 } ${many(100, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F100 on Query { __typename }`,
    400,
    'QUERY_COMPLEXITY',
  ),
  document(
    'circular fragments',
    '{ ...A } fragment A on Query { ...B serverInfo { engine } } fragment B on Query { ...A }',
    200,
    INVALID,
  ),
  document('a fragment of itself', '{ ...A } fragment A on Query { ...A }', 200, INVALID),
  document(
    'a directive flood',
    `{ __typename ${'@include(if: true) '.repeat(200)} }`,
    400,
    'DIRECTIVE_LIMIT',
  ),
  document('unknown directives', `{ __typename ${'@a '.repeat(900)} }`, 400, 'DIRECTIVE_LIMIT'),
  document(
    'a field again and again',
    `{ serverInfo { ${'engine '.repeat(1990)} } }`,
    200,
    // The rule of overlapping fields gives up.
    INVALID,
  ),
  document(
    'overlapping fragments',
    `{ ${many(90, (i) => `...F${i}`)} } ${many(90, (i) => `fragment F${i} on Query { serverInfo { engine version engine version } }`)}`,
    200,
    null,
  ),
  document(
    'objects that overlap',
    `{ ${many(150, () => 'serverInfo { engine version engine version }')} }`,
    200,
    null,
  ),
  document(
    'an introspection bomb',
    `{ ${many(15, (i) => `a${i}: __schema { types { fields { type { fields { args { type { name } } } } } } }`)} }`,
    400,
    'INTROSPECTION_LIMIT',
  ),
  document(
    'introspection in circles',
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
    400,
    'INTROSPECTION_LIMIT',
  ),
  document('introspection as it is meant', getIntrospectionQuery(), 200, null),
  document(
    'many operations',
    many(390, (i) => `query Q${i} { a }`),
    400,
    'OPERATION_RESOLUTION_FAILURE',
  ),
  document(
    'too many operations',
    many(600, (i) => `query Q${i} { a }`),
    400,
    'TOKEN_LIMIT',
  ),
  { name: 'a long comment', body: longComment(salt), status: 400, code: 'DOCUMENT_LIMIT' },
  document(
    'comments that are allowed',
    `# ${salt}${'x'.repeat(60_000)}\n{ __typename }`,
    200,
    null,
  ),
  document('a long name', `{ ${'a'.repeat(60_000)}${salt.replace(/\W/g, '_')} }`, 200, INVALID),
  document('a long string', `{ nodes(ids: ["${'x'.repeat(60_000)}${salt}"]) { id } }`, 200, ''),
  document(
    'a document of lists',
    `{ nodes(ids: ${'['.repeat(900)}${']'.repeat(900)}) { id } }`,
    200,
    INVALID,
  ),
  document(
    'a document of objects',
    `{ nodes(ids: ${'{a: '.repeat(480)}1${'}'.repeat(480)}) { id } }`,
    200,
    INVALID,
  ),
  document('a parser that would recurse', '{ a '.repeat(990), 200, SYNTAX),
  {
    name: 'a batch',
    body: `[${Array(5000).fill(request('{ __typename }')).join(',')}]`,
    status: 400,
    code: 'BATCH_LIMIT',
  },
];

/** Variables and bodies that would be expensive to read or to remember. */
export const bloated = (salt: string): readonly Attack[] => [
  withText(
    'JSON that nests',
    `{"v":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    'JSON_DEPTH_LIMIT',
  ),
  withText('JSON that only opens', `{"v":${'{"a":'.repeat(300_000)}`, 'JSON_DEPTH_LIMIT'),
  withText('a million values', `{"v":[${'1,'.repeat(999_999)}1]}`, 'JSON_VALUES_LIMIT'),
  withText('a million empty objects', `{"v":[${'{},'.repeat(600_000)}{}]}`, 'JSON_VALUES_LIMIT'),
  withText('a huge integer', `{"v":${'9'.repeat(1_900_000)}}`, 'BAD_REQUEST'),
  withText('a huge fraction', `{"v":0.${'0'.repeat(1_000_000)}1}`, 'BAD_REQUEST'),
  withText('a huge exponent', '{"v":1e999999999}', 'BAD_REQUEST'),
  withText('a huge key', `{"${salt}${'k'.repeat(1_900_000)}":1}`, null, 200),
  withText('a repeated key', '{"v":1,"v":2}', 'BAD_REQUEST'),
  {
    name: 'a list of ninety thousand wrong values',
    body: request(IDS, { ids: Array(90_000).fill({ [salt]: 1 }) }),
    // Each of them is two values.
    status: 400,
    code: 'JSON_VALUES_LIMIT',
  },
  {
    name: 'a list of as many wrong values as are read',
    body: request(IDS, { ids: Array(90_000).fill(true) }),
    status: 400,
    code: '',
  },
  {
    name: 'a list of as many IDs of nothing',
    body: request(IDS, { ids: Array(90_000).fill(salt) }),
    status: 200,
    code: '',
  },
  {
    name: 'variables that nobody wants',
    body: request('{ __typename }', { v: Array(90_000).fill(salt.length), [salt]: 1 }),
    status: 200,
    code: null,
  },
  {
    name: 'an operation name without end',
    body: JSON.stringify({
      query: 'query A { __typename }',
      operationName: salt + 'x'.repeat(1_900_000),
    }),
    status: 400,
    code: 'OPERATION_RESOLUTION_FAILURE',
  },
  { name: 'a body without end', body: 'x'.repeat(3_000_000), status: 413, code: 'BODY_LIMIT' },
];

const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

/** Texts that are not what they look like. */
const disguised = (): readonly Attack[] => [
  document('a homoglyph', '{ serverInf\u043e { engine } }', 200, SYNTAX),
  document('a full-width brace', '\uff5b serverInfo { engine } }', 200, SYNTAX),
  document('a text that runs backwards', '{ serverInfo \u202e { engine } }', 200, SYNTAX),
  document('a zero-width joiner', '{ server\u200dInfo { engine } }', 200, SYNTAX),
  document('a mark of byte order in the document', '\ufeff{ serverInfo { engine } }', 200, null),
  {
    name: 'a mark of byte order before the body',
    body: bytes([0xef, 0xbb, 0xbf], request('{ __typename }')),
    status: 200,
    code: null,
  },
  {
    name: 'an overlong slash',
    body: bytes('{"query":"{ __typename } #', [0xc0, 0xaf], '"}'),
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    name: 'half of a surrogate pair in bytes',
    body: bytes('{"query":"{ __typename } #', [0xed, 0xa0, 0x80], '"}'),
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    name: 'UTF-16',
    body: bytes([0xff, 0xfe], [...Buffer.from(request('{ __typename }'), 'utf16le')]),
    status: 400,
    code: 'BAD_REQUEST',
  },
  {
    name: 'half of a surrogate pair in a name',
    body: '{"query":"{ a\\ud800 }"}',
    status: 200,
    code: SYNTAX,
  },
  {
    name: 'half of a surrogate pair in a string',
    body: '{"query":"{ nodes(ids: [\\"\\ud800\\"]) { id } }"}',
    status: 200,
    code: SYNTAX,
  },
  {
    name: 'half of a surrogate pair in a variable',
    body: '{"query":"query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }","variables":{"ids":["\\udfff"]}}',
    status: 200,
    code: '',
  },
  {
    name: 'U+0000 in a variable',
    body: '{"query":"query Q($name: String!) { model(name: $name) { name } }","variables":{"name":"\\u0000"}}',
    status: 200,
    code: null,
  },
  document('U+0000 in the document', '{ __typename \u0000 }', 200, SYNTAX),
  document('an escape beyond Unicode', '{ nodes(ids: ["\\u{110000}"]) { id } }', 200, SYNTAX),
];

/** Names that mean something to JavaScript. */
const prototypes = (): readonly Attack[] =>
  ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'].flatMap(
    (name) => [
      document(`the field ${name}`, `{ ${name} }`, 200, INVALID),
      document(
        `the fragment ${name}`,
        `{ ...${name} } fragment ${name} on Query { __typename }`,
        200,
        null,
      ),
      document(`the type ${name}`, `{ ... on ${name} { __typename } }`, 200, INVALID),
      document(`the argument ${name}`, `{ serverInfo(${name}: 1) { engine } }`, 200, INVALID),
      document(
        `the member ${name}`,
        `{ predictionLogs(filter: {${name}: {}}) { nodes { id } } }`,
        200,
        INVALID,
      ),
      document(`the directive ${name}`, `{ __typename @${name} }`, 200, INVALID),
      {
        name: `the name ${name} wherever it is free`,
        body: `{"query":"query ${name} { ${name}: __typename }","operationName":"${name}","variables":{"${name}":true,"other":{"${name}":{"${name}":1e-7}}},"extensions":{"${name}":{"polluted":true}}}`,
        status: 200,
        code: name === 'then' ? INVALID : null,
      },
      {
        name: `the parameter ${name}`,
        body: `{"query":"{ __typename }","${name}":{"polluted":true}}`,
        status: 400,
        code: 'BAD_REQUEST',
      },
    ],
  );

/** Everything. A `salt` makes what could be remembered of one round new in the next. */
export const attacks = (salt: string): readonly Attack[] => [
  ...expensive(salt),
  ...bloated(salt),
  ...disguised(),
  ...prototypes(),
];
