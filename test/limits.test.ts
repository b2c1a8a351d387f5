import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { documentSize } from '../src/server/document-size.ts';
import './setup/probe.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { LANES } from './setup/lanes.ts';

const hindcast = await openTestHindcast();

const refusal = (message: string, extensions: Record<string, unknown>, status = 400) => ({
  status,
  answer: { errors: [{ message, extensions }] },
});

/** `{ serverInfo { version } }` with `count` of something made by `part`. */
const many = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

/** Names a type below another `depth - 1` levels of fields deep, without the limit of introspection on lists. */
const nested = (depth: number): string =>
  `{ __type(name: "Query") ${'{ ofType '.repeat(depth - 2)}{ name }${' }'.repeat(depth - 2)} }`;

describe.each(LANES)('limits down %s', (_, path) => {
  /** Sends a request as bytes and returns status and answer. */
  const post = async (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) => {
    const response = await hindcast.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
    });
    return { status: response.status, answer: await response.json() };
  };

  const ask = (query: string, variables: Record<string, unknown> = {}) =>
    post(JSON.stringify({ query, variables }));

  it('let a normal query pass', async () => {
    expect(await ask('{ serverInfo { engine } }')).toEqual({
      status: 200,
      answer: { data: { serverInfo: { engine: hindcast.database.engine.toUpperCase() } } },
    });
  });

  it('let introspection pass at no more than the price of its root field', async () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
      schemaDescription: true,
      specifiedByUrl: true,
    });
    expect(documentSize(parse(query)).depth).toBe(15);
    const { status, answer } = await ask(query);
    expect(status).toBe(200);
    expect(Object.keys(answer)).toEqual(['data']);
  });

  it('refuse a document of more than 64 KiB, comments included', async () => {
    const padded = (bytes: number) => `{ serverInfo { engine } }#${'é'.repeat((bytes - 26) / 2)}`;
    expect(Object.keys((await ask(padded(65_536))).answer)).toEqual(['data']);
    expect(await ask(padded(65_538))).toEqual(
      refusal(
        'The document has 65538 bytes; the limit is 65536. Send values as variables, or ask in several requests.',
        { code: 'DOCUMENT_LIMIT', limit: 65_536, actual: 65_538 },
      ),
    );
  });

  it('refuse a document of more than 2000 tokens', async () => {
    // The variable is not used, which is found out after the tokens were counted.
    const values = (count: number) =>
      `query($v: [Int!] = [${many(count, () => '1')}]) { serverInfo { engine } }`;
    const around = 19;
    const { answer } = await ask(values(2000 - around));
    expect(answer.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await ask(values(2001 - around))).toEqual(
      refusal('The document has more than 2000 tokens. Ask for less, or in several requests.', {
        code: 'TOKEN_LIMIT',
        limit: 2000,
        actual: 2001,
      }),
    );
  });

  it('refuse fields nested more than 15 levels deep', async () => {
    expect((await ask(nested(15))).answer).toEqual({ data: { __type: expect.anything() } });
    expect(await ask(nested(16))).toEqual(
      refusal(
        'The document nests fields 16 levels deep; the limit is 15. Ask in several requests.',
        { code: 'DEPTH_LIMIT', limit: 15, actual: 16 },
      ),
    );
  });

  it('refuse more than 30 aliases, also those of fragments spread more than once', async () => {
    const aliases = (count: number) => `{ ${many(count, (i) => `a${i}: __typename`)} }`;
    expect((await ask(aliases(30))).status).toBe(200);
    const refused = (actual: number) =>
      refusal(`The document has ${actual} aliases; the limit is 30. Ask in several requests.`, {
        code: 'ALIAS_LIMIT',
        limit: 30,
        actual,
      });
    expect(await ask(aliases(31))).toEqual(refused(31));
    const fragments = `{ ...A ...A } fragment A on Query { ...B ...B } fragment B on Query ${aliases(10)}`;
    expect(await ask(fragments)).toEqual(refused(40));
  });

  it('refuse more than 20 directives', async () => {
    const directives = (count: number) => `{ ${many(count, () => '__typename @skip(if: false)')} }`;
    expect((await ask(directives(20))).status).toBe(200);
    expect(await ask(directives(21))).toEqual(
      refusal('The document has 21 directives; the limit is 20. Leave some out.', {
        code: 'DIRECTIVE_LIMIT',
        limit: 20,
        actual: 21,
      }),
    );
  });

  it('refuse an operation that costs more than 10 000, by the variables of each request', async () => {
    // A page costs 1 and, for each item, 1 for each of its fields; there are three.
    const query = `query Pages($first: Int!) {
      ${many(17, (i) => `page${i}: probes(first: $first) { nodes { id name __typename } }`)}
    }`;
    const cost = (first: number) => 17 * (1 + 3 * first);
    const small = await ask(query, { first: 100 });
    expect(small.answer.errors).toBeUndefined();
    expect(await ask(query, { first: 200 })).toEqual(
      refusal(
        'The operation costs 10217; the limit is 10000. Ask for smaller pages or fewer fields.',
        { code: 'QUERY_COMPLEXITY', limit: 10_000, actual: cost(200) },
      ),
    );
    expect(await ask(query, { first: 100 })).toEqual(small);
  });

  it('take no price for known from variables that do not fit', async () => {
    const query = `query Q($first: Int!, $at: DateTime!) { # ${path}
      ${many(17, (i) => `page${i}: probes(first: $first) { nodes { id name __typename } }`)}
      predictionLogs(filter: { occurredAt: { from: $at } }, first: 0) { nodes { id } }
    }`;
    const { answer } = await ask(query, { first: 200, at: 'never' });
    expect(answer.errors[0].message).toContain('$at');
    const { status, answer: refused } = await ask(query, {
      first: 200,
      at: '2001-04-03T00:00:00Z',
    });
    expect([status, refused.errors[0].extensions.code]).toEqual([400, 'QUERY_COMPLEXITY']);
  });

  it('refuse introspection that multiplies', async () => {
    const one = '__schema { types { fields { type { fields { args { type { name } } } } } } }';
    const query = `{ ${many(15, (i) => `a${i}: ${one}`)} }`;
    const { status, answer } = await ask(query);
    const { code, limit, actual } = answer.errors[0].extensions;
    expect([status, code, limit]).toEqual([400, 'INTROSPECTION_LIMIT', 600_000]);
    expect(answer.errors[0].message).toBe(
      `The document asks for about ${actual} fields of the schema; the limit is 600000. Ask for less, or in several requests.`,
    );
  });

  it('refuse operations in a list, even one', async () => {
    const operation = { query: '{ serverInfo { engine } }' };
    for (const batch of [[operation], [operation, operation], []]) {
      expect(await post(JSON.stringify(batch))).toEqual(
        refusal('Operations in a list are not taken, not even one; send each in a request.', {
          code: 'BATCH_LIMIT',
          limit: 0,
          actual: batch.length,
        }),
      );
    }
  });

  it('refuse JSON of more than 100 levels before it is parsed', async () => {
    // Around the variable are two levels.
    const nest = (levels: number) =>
      `{"query":"{ serverInfo { engine } }","variables":{"v":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
    expect((await post(nest(100))).status).toBe(200);
    expect(await post(nest(101))).toEqual(
      refusal('The body cannot be read: The JSON text nests 101 levels deep; the limit is 100.', {
        code: 'JSON_DEPTH_LIMIT',
        limit: 100,
        actual: 101,
      }),
    );
  });

  it('refuse JSON of more than 100 000 values before it is parsed', async () => {
    // The body, the query, the variables and the list are four.
    const list = (values: number) =>
      ask('{ serverInfo { engine } }', { v: Array(values - 4).fill(1) });
    expect((await list(100_000)).status).toBe(200);
    expect(await list(100_001)).toEqual(
      refusal('The body cannot be read: The JSON text has 100001 values; the limit is 100000.', {
        code: 'JSON_VALUES_LIMIT',
        limit: 100_000,
        actual: 100_001,
      }),
    );
  });

  it('leave variables that do not fit to the execution', async () => {
    const { answer } = await ask(
      'query Pages($first: Int!) { probes(first: $first) { nodes { id } } }',
      {
        first: 'many',
      },
    );
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0].message).toBe(
      'Variable "$first" got invalid value "many"; Int cannot represent non-integer value: "many"',
    );
  });

  it('refuse to look up more than 100 nodes', async () => {
    const query = 'query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    expect(await ask(query, { ids: Array(101).fill('Tm90aGluZzox') })).toEqual(
      refusal('`nodes` looks up at most 100 objects at once; 101 were asked for.', {
        code: 'NODES_LIMIT',
        limit: 100,
        actual: 101,
      }),
    );
  });

  it('let 100 nodes pass', async () => {
    const query = 'query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const id = Buffer.from('Probe:one').toString('base64');
    expect(await ask(query, { ids: Array(100).fill(id) })).toEqual({
      status: 200,
      answer: { data: { nodes: Array(100).fill({ id }) } },
    });
  });

  it('refuse a body of more than 2 MiB, whether or not its length is declared', async () => {
    const limit = 2 * 1024 * 1024;
    const body = new TextEncoder().encode(
      JSON.stringify({ query: '{ serverInfo { version } }', variables: { padding: '' } }),
    );
    const padded = (size: number) => {
      const bytes = new Uint8Array(size).fill(0x20);
      bytes.set(body);
      return bytes;
    };
    expect((await post(padded(limit))).status).toBe(200);
    const message = 'The body is larger than 2097152 bytes. Send less, or in several requests.';
    const tooLarge = { code: 'BODY_LIMIT', limit, actual: limit + 1 };
    expect(await post(padded(limit + 1))).toEqual(refusal(message, tooLarge, 413));
    const response = await hindcast.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: new Blob([padded(limit + 1)]).stream(),
      duplex: 'half',
    } as RequestInit);
    const streamed = await response.json();
    expect(response.status).toBe(413);
    expect(streamed.errors[0].message).toBe(message);
    expect(streamed.errors[0].extensions).toEqual({ ...tooLarge, actual: expect.any(Number) });
  });
});

describe('the size of a document', () => {
  it('is that of its largest operation, with fragments written out', () => {
    const document = parse(`
      query A @a { a { b: c @b { ... @c { d } } } }
      query B($v: Int @d) { ...F ...F ...Missing }
      fragment F on T @e { x: y z: y { ...G } }
      fragment G on T { g { ...F } }
    `);
    expect(documentSize(document)).toEqual({ depth: 3, aliases: 4, directives: 3 });
  });

  it('stays a number where fragments double at each level', () => {
    const fragments = many(80, (i) => `fragment F${i} on T { ...F${i + 1} ...F${i + 1} }`);
    const document = parse(`{ ...F0 } ${fragments} fragment F80 on T { a: b @c }`);
    const many80 = Number.MAX_SAFE_INTEGER;
    expect(documentSize(document)).toEqual({ depth: 1, aliases: many80, directives: many80 });
  });
});
