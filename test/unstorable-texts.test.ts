import { expect, it } from 'vitest';
import { encodeCursor } from '../src/platform/pagination.ts';
import { openTestHindcast } from './setup/hindcast.ts';

const { ask, respond } = await openTestHindcast();

const NUL = 'a\0';

const refusalOf = async (query: string, variables: Record<string, unknown>): Promise<unknown> =>
  (await respond(query, variables)).errors;

it('a text that no database holds is on no endpoint', async () => {
  const query =
    'query ($environment: String) { endpoints(environment: $environment) { nodes { name } } }';
  expect(await ask(query, { environment: NUL })).toEqual({ endpoints: { nodes: [] } });
});

it('a cursor that has one is of no list', async () => {
  const after = encodeCursor([NUL, 'b']);
  const query = 'query ($after: String) { endpoints(after: $after) { nodes { name } } }';
  expect(await refusalOf(query, { after })).toEqual([
    expect.objectContaining({
      message: `"${after}" is not a cursor of this list; pass one that it returned.`,
      path: ['endpoints'],
      extensions: { code: 'BAD_USER_INPUT' },
    }),
  ]);
});

it('one that reaches the database is refused, and hides no error', async () => {
  const query = `mutation ($input: ResubmitRejectedRecordsInput!) {
    resubmitRejectedRecords(input: $input) { __typename } }`;
  const input = { records: { filter: { requestId: NUL } } };
  expect(await refusalOf(query, { input })).toEqual([
    expect.objectContaining({
      message: 'A text contains U+0000, which no text on record holds; remove it.',
      path: ['resubmitRejectedRecords'],
      extensions: { code: 'BAD_USER_INPUT' },
    }),
  ]);
});
