import { describe, expect, it } from 'vitest';
import './setup/probe.ts';
import { openTestHindcast } from './setup/hindcast.ts';

const hindcast = await openTestHindcast();

const query = 'query Echo($value: BigInt!) { probeEcho(value: $value) }';
const MAX_INT64 = '9223372036854775807';

const post = async (body: BodyInit, headers: Record<string, string> = {}) => {
  const response = await hindcast.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body,
  });
  return { status: response.status, answer: await response.json() };
};

const refusal = (status: number, code: string, message: string) => ({
  status,
  answer: { errors: [{ message, extensions: { code } }] },
});

const withValue = (value: string) =>
  `{"query":${JSON.stringify(query)},"variables":{"value":${value}}}`;

describe('a request', () => {
  it.each([MAX_INT64, '-9223372036854775808', '9007199254740993', '0'])(
    'keeps every digit of %s in a body',
    async (value) => {
      expect(await post(withValue(value))).toEqual({
        status: 200,
        answer: { data: { probeEcho: value } },
      });
    },
  );

  it('keeps every digit in the variables of a GET', async () => {
    const search = new URLSearchParams({ query, variables: `{"value":${MAX_INT64}}` });
    const response = await hindcast.fetch(`/graphql?${search}`);
    expect(await response.json()).toEqual({ data: { probeEcho: MAX_INT64 } });
  });

  it('is refused when a number in it cannot be represented', async () => {
    const { status, answer } = await post(withValue('1e999'));
    expect({ status, answer }).toEqual(refusal(400, 'BAD_REQUEST', answer.errors[0].message));
    expect(answer.errors[0].message).toMatch(/^The body cannot be read: .*1e999/);
  });

  it.each([
    ['{"query":', /^The body cannot be read: The text is not JSON: /],
    ['', /^The body cannot be read: The text is not JSON: /],
    ['{"query":"{a}","query":"{b}"}', /^The body cannot be read: The key "query" appears twice/],
    ['"query"', /^The body must be a JSON object that has a `query`\.$/],
    ['null', /^The body must be a JSON object that has a `query`\.$/],
    ['{}', /^Must provide query string\.$/],
    ['{"query":7}', /^Expected "query" param to be a string, but given number\.$/],
    ['{"query":9007199254740993}', /given bigint\.$/],
    [
      '{"query":"{ __typename }","variables":[]}',
      /^Expected "variables" param to be empty or an object/,
    ],
    ['{"query":"{ __typename }","id":1}', /^Unexpected parameter "id" in the request body\.$/],
    [new Uint8Array([0x7b, 0xff, 0x7d]), /^The body is not valid UTF-8\.$/],
  ])('is refused with 400 when its body is %s', async (body, message) => {
    const { status, answer } = await post(body);
    expect(answer.errors[0].message).toMatch(message);
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0].extensions).toEqual({ code: 'BAD_REQUEST' });
    // Clients that take only application/json get 200 for what the specification calls a GraphQL error.
    expect(status).toBe(body === '{}' ? 200 : 400);
  });

  it.each(['variables', 'extensions'])(
    'is refused when `%s` of a GET are no JSON',
    async (name) => {
      const search = new URLSearchParams({ query: '{ __typename }', [name]: '{"a":' });
      const response = await hindcast.fetch(`/graphql?${search}`);
      expect(response.status).toBe(400);
      const { errors } = await response.json();
      expect(errors[0].message).toMatch(new RegExp(`^\`${name}\` cannot be read: The text is not`));
    },
  );

  it.each([
    ['text/plain', {}],
    ['application/graphql', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=iso-8859-1', {}],
    ['application/jsonp', {}],
  ])('is refused as %s', async (type) => {
    const message = 'Send the request as application/json in UTF-8.';
    expect(await post('{"query":"{ __typename }"}', { 'content-type': type })).toEqual(
      refusal(415, 'UNSUPPORTED_MEDIA_TYPE', message),
    );
  });

  it('is refused when compressed', async () => {
    const message = 'Send the request without a content encoding.';
    expect(await post('{"query":"{ __typename }"}', { 'content-encoding': 'gzip' })).toEqual(
      refusal(415, 'UNSUPPORTED_MEDIA_TYPE', message),
    );
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'may hold the name %s anywhere',
    async (name) => {
      const body = `{"query":"query ${name} { ${name}: __typename }","operationName":"${name}","variables":{"${name}":{"${name}":1}},"extensions":{"${name}":1}}`;
      const { status, answer } = await post(body);
      expect(status).toBe(200);
      expect(JSON.stringify(answer)).toBe(`{"data":{"${name}":"Query"}}`);
    },
  );
});
