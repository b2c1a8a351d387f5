import { describe, expect, it } from 'vitest';
import { localActor } from '../src/platform/context.ts';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { deploy, field, moveTo, register, registration } from './setup/registration.ts';

const hindcast = await openTestHindcast(localActor('tester'));
const { ask, respond, statementsOf } = hindcast;

type Json = Record<string, unknown>;

const FIND = `query ($text: String!, $kinds: [NamedKind!], $first: Int, $after: String) {
  findByName(text: $text, kinds: $kinds, first: $first, after: $after) {
    isTruncated
    nodes { kind name node { __typename } }
    pageInfo { hasNextPage endCursor }
  }
}`;

interface Found {
  readonly isTruncated: boolean;
  readonly nodes: readonly Json[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
}

const find = async (text: string, more: Json = {}): Promise<Found> =>
  (await ask<{ findByName: Found }>(FIND, { text, ...more })).findByName;

describe('a search for names', () => {
  it('finds every kind of thing that has one, the object with it', async () => {
    const word = unique('zebra').toLowerCase();
    const version = await register(
      hindcast,
      registration([field(`${word}_weight`)], {
        model: `${word}-model`,
        commit: {
          definition: {
            repository: `https://github.com/example/${word}`,
            oid: 'ab'.repeat(20),
            messageHeadline: 'Weigh them.',
          },
        },
        environment: {
          definition: {
            runtime: 'cpython',
            platform: 'linux',
            packages: [`pkg:generic/${word}-lib@1.0`],
          },
        },
        featureSchema: {
          definition: {
            name: `${word}-features`,
            semver: '1.0.0',
            fields: [field(`${word}_weight`)],
          },
        },
      }),
    );
    await moveTo(hindcast, version, 'STAGING', '2026-01-01T01:00:00Z');
    await moveTo(hindcast, version, 'PRODUCTION', '2026-01-01T02:00:00Z');
    await deploy(hindcast, version, { name: `${word}-scores`, environment: 'test' });
    const { nodes, isTruncated } = await find(word.toUpperCase());
    expect(isTruncated).toBe(false);
    expect(new Map(nodes.map(({ kind, name, node }) => [kind, [name, node]]))).toEqual(
      new Map<unknown, unknown>([
        ['MODEL', [`${word}-model`, { __typename: 'Model' }]],
        ['FEATURE', [`${word}_weight`, { __typename: 'FeatureSchema' }]],
        ['MODEL_VERSION', [`${word}-model@1.0.0`, { __typename: 'ModelVersion' }]],
        ['FEATURE_SCHEMA', [`${word}-features 1.0.0`, { __typename: 'FeatureSchema' }]],
        ['ENDPOINT', [`test/${word}-scores`, { __typename: 'Endpoint' }]],
        ['PACKAGE', [`pkg:generic/${word}-lib@1.0`, { __typename: 'RuntimeEnvironment' }]],
        [
          'CODE_COMMIT',
          [
            `https://github.com/example/${word} ${'ab'.repeat(20)} Weigh them.`,
            { __typename: 'CodeCommit' },
          ],
        ],
      ]),
    );
    expect((await find(word, { kinds: ['MODEL'] })).nodes).toHaveLength(1);
    expect((await find(word, { kinds: [] })).nodes).toEqual([]);
  });

  it('needs every word, in any order, and reads wildcards as the characters they are', async () => {
    const model = unique('alpha_beta%');
    await register(hindcast, registration([field('a')], { model }));
    const names = async (text: string) =>
      (await find(text, { kinds: ['MODEL'] })).nodes.map(({ name }) => name);
    expect(await names(`beta% ${model}`)).toEqual([model]);
    expect(await names(`${model} gamma`)).toEqual([]);
    expect(await names('alpha%beta')).toEqual([]);
  });

  it('takes ASCII letters in either case and all others as they are', async () => {
    const model = unique('Verspätung-ÜBER-ΣΑΣ');
    await register(hindcast, registration([field('a')], { model }));
    const names = async (text: string) =>
      (await find(text, { kinds: ['MODEL', 'MODEL_VERSION'] })).nodes.map(({ name }) => name);
    expect(await names(model)).toEqual([model, `${model}@1.0.0`]);
    expect(await names('vERSPätung-ÜbeR ΣΑΣ')).toEqual([model, `${model}@1.0.0`]);
    expect(await names('verspÄtung')).toEqual([]);
    expect(await names('σας')).toEqual([]);
  });

  it('ranks what begins with the first word first, then shorter names, page by page', async () => {
    const word = unique('rank').toLowerCase();
    const models = [`${word}-aa`, `x-${word}`, `${word}-b`, `xx-${word}`];
    for (const model of models) await register(hindcast, registration([field('a')], { model }));
    const expected = [`${word}-b`, `${word}-aa`, `x-${word}`, `xx-${word}`];
    const kinds = ['MODEL'];
    const first = await find(word, { kinds, first: 3 });
    const second = await find(word, { kinds, first: 3, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...second.nodes].map(({ name }) => name)).toEqual(expected);
    expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
    const document = `{ findByName(text: "${word}") { nodes { name } } }`;
    expect(await statementsOf(() => ask(document))).toHaveLength(1);
  });

  it('refuses texts that cannot be searched for', async () => {
    const message = async (text: string) =>
      (await respond(FIND, { text })).errors?.map((error) => error.message);
    expect(await message('  ')).toEqual(['text: The text is empty; give at least one word.']);
    expect(await message('a '.repeat(11))).toEqual([
      'text: The text has 11 words and 22 characters; give at most 10 and 200.',
    ]);
    expect(await message('a\0b')).toEqual([
      'text: "a\\u0000b", which contains U+0000, which no stored text may hold; remove it.',
    ]);
  });
});
