import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { register, registrationOf } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask } = hindcast;

const registerAll = async (model: string, semvers: readonly string[]) => {
  for (const semver of semvers) {
    const { isNew } = await register(hindcast, { ...registrationOf(model), semver });
    expect(isNew).toBe(true);
  }
};

describe('the versions of a model', () => {
  it('come by registration, or by the precedence of their semantic versions', async () => {
    const model = unique('ordered');
    await registerAll(model, ['1.10.0', '1.9.0', '1.10.0-rc.2', '1.10.0-rc.10']);
    const field = (alias: string, order: string) =>
      `${alias}: versions(orderBy: ${order}) { nodes { semver } }`;
    const { model: found } = await ask<{
      model: Record<string, { nodes: { semver: string }[] }>;
    }>(
      `query ($model: String!) { model(name: $model) {
         byDefault: versions { nodes { semver } }
         ${field('oldest', 'RECORDED_AT_ASC')} ${field('highest', 'SEMVER_DESC')} ${field('lowest', 'SEMVER_ASC')}
       } }`,
      { model },
    );
    const lists = Object.entries(found).map(([alias, { nodes }]) => [
      alias,
      nodes.map(({ semver }) => semver),
    ]);
    expect(Object.fromEntries(lists)).toEqual({
      byDefault: ['1.10.0-rc.10', '1.10.0-rc.2', '1.9.0', '1.10.0'],
      oldest: ['1.10.0', '1.9.0', '1.10.0-rc.2', '1.10.0-rc.10'],
      highest: ['1.10.0', '1.10.0-rc.10', '1.10.0-rc.2', '1.9.0'],
      lowest: ['1.9.0', '1.10.0-rc.2', '1.10.0-rc.10', '1.10.0'],
    });
  });

  it('come in pages both ways', async () => {
    const model = unique('paged');
    await registerAll(model, ['1.0.0', '2.0.0', '3.0.0']);
    const page = async (args: string) => {
      const { model: found } = await ask<{
        model: {
          versions: {
            nodes: { semver: string }[];
            pageInfo: { endCursor: string; startCursor: string };
          };
        };
      }>(
        `query ($model: String!) { model(name: $model) { versions(orderBy: SEMVER_ASC, ${args}) {
           nodes { semver } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
         } } }`,
        { model },
      );
      const { nodes, pageInfo } = found.versions;
      return { semvers: nodes.map(({ semver }) => semver), ...pageInfo };
    };
    const first = await page('first: 2');
    expect(first).toMatchObject({ semvers: ['1.0.0', '2.0.0'], hasNextPage: true });
    const second = await page(`first: 2, after: "${first.endCursor}"`);
    expect(second).toMatchObject({ semvers: ['3.0.0'], hasNextPage: false, hasPreviousPage: true });
    const back = await page(`last: 1, before: "${second.startCursor}"`);
    expect(back).toMatchObject({ semvers: ['2.0.0'], hasPreviousPage: true });
  });

  it('are found from everything they were made from', async () => {
    const model = unique('used');
    const { modelVersion } = await register(hindcast, registrationOf(model));
    const versions = 'modelVersions { nodes { displayName } }';
    const found = await ask<{ modelVersion: unknown }>(
      `query ($digest: Digest!) { modelVersion(by: { digest: $digest }) {
         commit { ${versions} } featureSchema { ${versions} } environment { ${versions} }
         artifacts { artifact { ${versions} } }
         datasets { snapshot {
           ${versions}
           training: modelVersions(roles: [TRAINING, TEST]) { nodes { displayName } }
           reference: modelVersions(roles: [REFERENCE]) { nodes { displayName } }
         } }
       } }`,
      { digest: modelVersion?.digest },
    );
    const itself = { nodes: [{ displayName: `${model}@1.0.0` }] };
    expect(found.modelVersion).toEqual({
      commit: { modelVersions: itself },
      featureSchema: { modelVersions: itself },
      environment: { modelVersions: itself },
      artifacts: [{ artifact: { modelVersions: itself } }],
      datasets: [
        { snapshot: { modelVersions: itself, training: itself, reference: { nodes: [] } } },
      ],
    });
  });
});

describe('looking up', () => {
  it('finds a model and a version by each of their names', async () => {
    const model = unique('named');
    const input = { ...registrationOf(model), description: 'Late arrivals.' };
    const { modelVersion } = await register(hindcast, input, 'id');
    const variables = { model, digest: modelVersion?.digest, id: modelVersion?.id };
    const found = await ask(
      `query ($model: String!, $digest: Digest!, $id: ID!) {
         model(name: $model) { name description version(semver: "1.0.0") { digest } none: version(semver: "9.9.9") { digest } }
         byDigest: modelVersion(by: { digest: $digest }) { digest }
         byId: modelVersion(by: { id: $id }) { digest }
         byRelease: modelVersion(by: { release: { model: $model, semver: "1.0.0" } }) { digest }
         node(id: $id) { ... on ModelVersion { digest } }
         object(digest: $digest) { __typename displayName }
       }`,
      variables,
    );
    const itself = { digest: modelVersion?.digest };
    expect(found).toEqual({
      model: { name: model, description: 'Late arrivals.', version: itself, none: null },
      byDigest: itself,
      byId: itself,
      byRelease: itself,
      node: itself,
      object: { __typename: 'ModelVersion', displayName: `${model}@1.0.0` },
    });
  });

  it('finds nothing for a name that no text can be', async () => {
    const name = 'a\0';
    expect(
      await ask(
        `query ($name: String!) {
           model(name: $name) { name }
           modelVersion(by: { release: { model: $name, semver: "1.0.0" } }) { digest }
         }`,
        { name },
      ),
    ).toEqual({ model: null, modelVersion: null });
  });

  it('lists models by name', async () => {
    const prefix = unique('~listed');
    for (const letter of ['b', 'a', 'c']) {
      await register(hindcast, registrationOf(`${prefix}-${letter}`));
    }
    const { models } = await ask<{ models: { nodes: { name: string }[] } }>(
      '{ models(last: 3) { nodes { name } } }',
    );
    expect(models.nodes.map(({ name }) => name)).toEqual([
      `${prefix}-a`,
      `${prefix}-b`,
      `${prefix}-c`,
    ]);
  });
});
