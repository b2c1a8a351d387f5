import { describe, expect, it } from 'vitest';
import { changedFeatures, fieldsOf, type Json, old, openDemo, recent } from './setup/example.ts';

const { run } = await openDemo();

const defined = (part: unknown): Json => (part as { definition: Json }).definition;

const uses = (version: Json): readonly { role: string; name: string }[] =>
  (version.datasets as Json[]).map(({ role, snapshot }) => ({
    role: String(role),
    name: String(defined(snapshot).name),
  }));

const metricOf = (version: Json, metric: unknown): number =>
  Number((version.metrics as Json[]).find(({ name }) => name === metric)?.value);

describe('what changed between the two versions of the demo', () => {
  it('is the code, two features, the data and the weights; not the environment', async () => {
    const { modelVersionDiff: diff } = await run<{ modelVersionDiff: Json }>('diff');
    const [base, head] = [defined(old.commit), defined(recent.commit)];
    expect(diff).toMatchObject({
      base: { displayName: `${old.model}@${old.semver}` },
      head: { displayName: `${recent.model}@${recent.semver}` },
      isSameRecipe: false,
      code: {
        base: { oid: base.oid },
        head: { oid: head.oid },
        compareUrl: `${base.repository}/compare/${base.oid}..${head.oid}`,
      },
      parent: null,
    });
    expect(defined(old.environment)).toEqual(defined(recent.environment));
    expect(diff).toMatchObject({ environment: [], packages: [] });
    expect(old.hyperparameters).toEqual(recent.hyperparameters);
    expect(diff.hyperparameters).toEqual([]);
    const [was, is] = [old, recent].map((version) =>
      defined((version.artifacts as Json[])[0]?.artifact),
    );
    expect(diff.artifacts).toEqual([
      {
        kind: 'CHANGED',
        role: 'WEIGHTS',
        before: { digest: was?.digest, sizeBytes: was?.sizeBytes },
        after: { digest: is?.digest, sizeBytes: is?.sizeBytes },
      },
    ]);
  });

  it('names the single parameter of each changed feature', async () => {
    const { modelVersionDiff: diff } = await run<{ modelVersionDiff: Json }>('diff');
    const { compatibility, fields } = diff.features as { compatibility: string; fields: Json[] };
    expect(compatibility).toBe('INCOMPATIBLE');
    expect(fields.map(({ name }) => name)).toEqual(changedFeatures);
    for (const { name, kind, severity, aspects, transformations } of fields) {
      expect([kind, severity]).toEqual(['CHANGED', 'ERROR']);
      expect(aspects).toEqual(['TRANSFORMATIONS', 'IMPLEMENTATION']);
      const parametersOf = (version: Json): Json =>
        fieldsOf(version).find((field) => field.name === name)?.transformations[0]?.parameters ??
        {};
      const [before, after] = [parametersOf(old), parametersOf(recent)];
      const parameters = Object.keys(before).filter((key) => before[key] !== after[key]);
      expect((transformations as Json[]).filter(({ pointer }) => pointer !== '/0/commit')).toEqual(
        parameters.map((key) => ({
          kind: 'CHANGED',
          pointer: `/0/parameters/${key}`,
          before: before[key],
          after: after[key],
        })),
      );
    }
  });

  it('lists the datasets of either version that the other did not use', async () => {
    const { modelVersionDiff: diff } = await run<{ modelVersionDiff: Json }>('diff');
    const missing = (from: Json, other: Json) =>
      uses(from).filter(
        (use) => !uses(other).some(({ role, name }) => role === use.role && name === use.name),
      );
    const expected = [
      ...missing(old, recent).map(({ role, name }) => `REMOVED ${role} ${name}`),
      ...missing(recent, old).map(({ role, name }) => `ADDED ${role} ${name}`),
    ];
    expect(expected.length).toBeGreaterThan(2);
    const listed = (
      diff.datasets as { kind: string; role: string; before: Json; after: Json }[]
    ).map(({ kind, role, before, after }) => `${kind} ${role} ${(before ?? after).name}`);
    expect([...listed].sort()).toEqual(expected.sort());
  });

  it('sets the metrics side by side', async () => {
    const { modelVersionDiff: diff } = await run<{ modelVersionDiff: Json }>('diff');
    expect(diff.metrics).toEqual(
      (old.metrics as Json[]).map(({ name, value }) => ({
        name,
        dataset: null,
        before: value,
        after: metricOf(recent, name),
        delta: metricOf(recent, name) - Number(value),
      })),
    );
  });
});
