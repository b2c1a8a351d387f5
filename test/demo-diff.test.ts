import { describe, expect, it } from 'vitest';
import { changedFeatures, fieldsOf, type Json, old, openDemo, recent } from './setup/example.ts';

const { run } = await openDemo();

interface Definition {
  readonly oid: string;
  readonly packages: readonly string[];
}

const definitionOf = (version: Json, member: string): Definition =>
  (version[member] as { definition: Definition }).definition;

describe('diff on the demo data', () => {
  it('names the features whose meaning changed, down to the parameter', async () => {
    const { modelVersionDiff: diff } = await run<{
      modelVersionDiff: {
        isSameRecipe: boolean;
        code: Json;
        features: { compatibility: string; fields: Json[] };
      };
    }>('diff');
    expect(diff.isSameRecipe).toBe(false);
    expect(diff.code).toMatchObject({
      base: { oid: definitionOf(old, 'commit').oid },
      head: { oid: definitionOf(recent, 'commit').oid },
    });
    expect(diff.features.compatibility).toBe('INCOMPATIBLE');
    const broken = diff.features.fields.filter(({ severity }) => severity === 'ERROR');
    expect(broken.map(({ name }) => name)).toEqual(changedFeatures);
    const parameter = (version: Json, feature: string, name: string) =>
      fieldsOf(version)
        .find((field) => field.name === feature)
        ?.transformations.map(({ parameters }) => parameters[name])
        .find((value) => value !== undefined);
    const distance = broken.find(({ name }) => name === 'distance');
    expect(distance?.transformations).toContainEqual({
      kind: 'CHANGED',
      pointer: '/0/parameters/unit',
      before: parameter(old, 'distance', 'unit'),
      after: parameter(recent, 'distance', 'unit'),
    });
  });

  it('lists snapshots, packages and hyperparameters that only one of them has', async () => {
    const { modelVersionDiff: diff } = await run<{
      modelVersionDiff: {
        datasets: Json[];
        packages: Json[];
        hyperparameters: Json[];
        metrics: Json[];
      };
    }>('diff');
    const uses = (version: Json) =>
      (version.datasets as { role: string; snapshot: { definition: { name: string } } }[]).map(
        ({ role, snapshot }) => `${role} ${snapshot.definition.name}`,
      );
    const named = (kind: string, side: string) =>
      diff.datasets
        .filter((change) => change.kind === kind)
        .map((change) => `${String(change.role)} ${String((change[side] as Json).name)}`)
        .sort();
    const [before, after] = [new Set(uses(old)), new Set(uses(recent))];
    const gone = [...before].filter((use) => !after.has(use));
    const fresh = [...after].filter((use) => !before.has(use));
    const replaced = diff.datasets.filter(({ kind }) => kind === 'CHANGED').length;
    expect(named('REMOVED', 'before').length + replaced).toBe(gone.length);
    expect(named('ADDED', 'after').length + replaced).toBe(fresh.length);
    const packages = (version: Json) => new Set(definitionOf(version, 'environment').packages);
    const changedPackages = [...packages(recent)].filter((purl) => !packages(old).has(purl));
    expect(diff.packages.filter(({ kind }) => kind !== 'REMOVED')).toHaveLength(
      changedPackages.length,
    );
    const keys = (version: Json) => version.hyperparameters as Json;
    const changed = Object.keys(keys(recent)).filter(
      (key) => JSON.stringify(keys(old)[key]) !== JSON.stringify(keys(recent)[key]),
    );
    expect(diff.hyperparameters.map(({ pointer }) => String(pointer).split('/')[1])).toEqual(
      expect.arrayContaining(changed),
    );
    const metrics = (version: Json) =>
      (version.metrics as { name: string; value: number }[]).map(({ name, value }) => [
        name,
        value,
      ]);
    expect(
      diff.metrics
        .filter(({ after: value }) => value !== null)
        .map(({ name, after: value }) => [name, value])
        .sort(),
    ).toEqual(metrics(recent).sort());
  });
});
