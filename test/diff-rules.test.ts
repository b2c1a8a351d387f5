import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodeCommit } from '../src/evidence/code-commit.ts';
import type { DatasetSnapshot } from '../src/evidence/dataset-snapshot.ts';
import { parsePackage } from '../src/evidence/runtime-environment.ts';
import { artifactChanges } from '../src/registry/artifact-changes.ts';
import type { ArtifactUse } from '../src/registry/artifact-use.ts';
import { codeDiff, compareUrl } from '../src/registry/code-diff.ts';
import { datasetChanges } from '../src/registry/dataset-changes.ts';
import type { DatasetUse } from '../src/registry/dataset-use.ts';
import type { Metric } from '../src/registry/metric.ts';
import { deltaOf, metricChanges } from '../src/registry/metric-changes.ts';
import { packageChanges } from '../src/registry/package-changes.ts';
import type { PairedChange } from '../src/registry/paired-changes.ts';

const recordedAt = new Date(0);

const commit = (repository: string, oid: string, isDirty = false): CodeCommit => ({
  id: 1,
  digest: `${repository} ${oid} ${isDirty}`,
  recordedAt,
  repository,
  oid,
  isDirty,
  messageHeadline: null,
  author: null,
  committedAt: null,
});

const urlOf = (repository: string) =>
  compareUrl({ base: commit(repository, 'aaa'), head: commit(repository, 'bbb') });

const snapshot = (name: string, digest: string, from: number | null = null): DatasetSnapshot => ({
  id: 1,
  digest,
  recordedAt,
  name,
  contentDigest: digest,
  rowCount: null,
  sizeBytes: null,
  eventTimeFrom: from === null ? null : new Date(from),
  eventTimeTo: null,
  derivedFrom: [],
  statistics: [],
});

const use = (
  role: DatasetUse['role'],
  name: string,
  digest: string,
  from?: number,
): DatasetUse => ({
  role,
  snapshot: snapshot(name, digest, from ?? null),
});

const file = (role: ArtifactUse['role'], mediaType: string, digest: string): ArtifactUse => ({
  role,
  artifact: { id: 1, digest, recordedAt, mediaType, sizeBytes: 1n },
});

const packages = (...purls: readonly string[]) =>
  purls.map(parsePackage).filter((found) => found !== null);

const metric = (name: string, value: number, dataset: string | null = null): Metric => ({
  name,
  value,
  recordedAt,
  dataset: dataset === null ? null : snapshot(dataset, dataset),
});

describe('the page that compares two commits', () => {
  it('has the form of the host', () => {
    expect(urlOf('https://github.com/acme/fraud')).toBe(
      'https://github.com/acme/fraud/compare/aaa..bbb',
    );
    expect(urlOf('https://gitlab.com/acme/risk/fraud')).toBe(
      'https://gitlab.com/acme/risk/fraud/-/compare/aaa...bbb?straight=true',
    );
    expect(urlOf('https://bitbucket.org/acme/fraud')).toBe(
      'https://bitbucket.org/acme/fraud/branches/compare/bbb..aaa',
    );
    expect(urlOf('https://codeberg.org/acme/fraud')).toBe(
      'https://codeberg.org/acme/fraud/compare/aaa..bbb',
    );
  });

  it('is null on other hosts, for other protocols, across repositories and for one commit', () => {
    expect(urlOf('https://git.example.com/acme/fraud')).toBeNull();
    expect(urlOf('https://github.com.example.com/acme/fraud')).toBeNull();
    expect(urlOf('ssh://git@github.com/acme/fraud')).toBeNull();
    const base = commit('https://github.com/acme/fraud', 'aaa');
    expect(compareUrl({ base, head: commit('https://github.com/acme/fork', 'bbb') })).toBeNull();
    const dirty = commit(base.repository, base.oid, true);
    expect(codeDiff(base, base)).toBeNull();
    expect(codeDiff(base, dirty)).toEqual({ base, head: dirty });
    expect(compareUrl({ base, head: dirty })).toBeNull();
  });
});

const told = <Item>(changes: readonly PairedChange<Item>[], name: (item: Item) => string) =>
  changes.map(({ kind, before, after }) => [
    kind,
    before === null ? null : name(before),
    after === null ? null : name(after),
  ]);

describe('changes of datasets', () => {
  const digestOf = ({ snapshot: { digest } }: DatasetUse) => digest;

  it('pair a snapshot with the one of its name in its role', () => {
    const base = [use('TRAINING', 'a', 'a1'), use('TEST', 'a', 'a1'), use('TRAINING', 'b', 'b1')];
    const head = [use('TRAINING', 'a', 'a2'), use('TEST', 'a', 'a1'), use('TEST', 'b', 'b2')];
    expect(told(datasetChanges(base, head), digestOf)).toEqual([
      ['ADDED', null, 'b2'],
      ['CHANGED', 'a1', 'a2'],
      ['REMOVED', 'b1', null],
    ]);
  });

  it('pair several of one name by the events covered, and else not at all', () => {
    const base = [use('TRAINING', 'a', 'a1', 1), use('TRAINING', 'a', 'a2', 2)];
    const head = [use('TRAINING', 'a', 'a4', 2), use('TRAINING', 'a', 'a3', 1)];
    expect(told(datasetChanges(base, head), digestOf)).toEqual([
      ['CHANGED', 'a1', 'a3'],
      ['CHANGED', 'a2', 'a4'],
    ]);
    const undated = [use('TRAINING', 'a', 'a5'), use('TRAINING', 'a', 'a6')];
    expect(told(datasetChanges(base, undated), digestOf)).toEqual([
      ['REMOVED', 'a1', null],
      ['REMOVED', 'a2', null],
      ['ADDED', null, 'a5'],
      ['ADDED', null, 'a6'],
    ]);
  });
});

describe('changes of files', () => {
  it('pair by role and media type, then by role', () => {
    const base = [file('WEIGHTS', 'x/onnx', 'w1'), file('OTHER', 'a/b', 'o1')];
    const head = [file('WEIGHTS', 'x/onnx', 'w2'), file('WEIGHTS', 'x/npz', 'w3')];
    expect(told(artifactChanges(base, head), ({ artifact }) => artifact.digest)).toEqual([
      ['REMOVED', 'o1', null],
      ['CHANGED', 'w1', 'w2'],
      ['ADDED', null, 'w3'],
    ]);
    const other = [file('WEIGHTS', 'x/npz', 'w4'), file('OTHER', 'a/b', 'o1')];
    expect(told(artifactChanges(base, other), ({ artifact }) => artifact.digest)).toEqual([
      ['CHANGED', 'w1', 'w4'],
    ]);
  });
});

describe('changes of packages', () => {
  it('go by the package URL without version', () => {
    const base = packages('pkg:pypi/numpy@2.1.0', 'pkg:npm/a@1.0.0', 'pkg:npm/a@2.0.0');
    const head = packages('pkg:pypi/numpy@2.2.0', 'pkg:npm/a@3.0.0', 'pkg:pypi/scipy@1.0.0');
    expect(told(packageChanges(base, head), ({ purl }) => purl)).toEqual([
      ['REMOVED', 'pkg:npm/a@1.0.0', null],
      ['REMOVED', 'pkg:npm/a@2.0.0', null],
      ['ADDED', null, 'pkg:npm/a@3.0.0'],
      ['CHANGED', 'pkg:pypi/numpy@2.1.0', 'pkg:pypi/numpy@2.2.0'],
      ['ADDED', null, 'pkg:pypi/scipy@1.0.0'],
    ]);
  });

  it('show another build of the same version', () => {
    const base = packages('pkg:conda/numpy@2.1.0?build=py312_0');
    const head = packages('pkg:conda/numpy@2.1.0?build=py312_1');
    expect(packageChanges(base, head)).toMatchObject([
      {
        kind: 'CHANGED',
        name: 'pkg:conda/numpy',
        before: { version: '2.1.0' },
        after: { version: '2.1.0' },
      },
    ]);
  });
});

describe('changes of metrics', () => {
  it('compare one name on one dataset, by the value recorded last', () => {
    const base = [metric('auc', 0.5), metric('auc', 0.75), metric('auc', 0.25, 'test')];
    const head = [metric('auc', 0.5, 'other'), metric('auc', 1), metric('f1', 0.5)];
    const changes = metricChanges(base, head);
    expect(
      changes.map((change) => [change.name, change.dataset?.name ?? null, deltaOf(change)]),
    ).toEqual([
      ['auc', null, 0.25],
      ['auc', 'test', null],
      ['auc', 'other', null],
      ['f1', null, null],
    ]);
    expect(changes[0]).toMatchObject({ before: [0.5, 0.75], after: [1] });
  });

  it('have no delta that a 64-bit float cannot hold', () => {
    const [change] = metricChanges([metric('loss', -1.7e308)], [metric('loss', 1.7e308)]);
    expect(change === undefined ? undefined : deltaOf(change)).toBeNull();
  });
});

const names = fc.constantFrom('a', 'b', 'c');
const small = fc.integer({ min: 0, max: 2 });
const uses = fc.array(
  fc
    .tuple(fc.constantFrom('TRAINING' as const, 'TEST' as const), names, small, small)
    .map(([role, name, content, from]) => use(role, name, `${name}${content}${from}`, from)),
);
const files = fc.array(
  fc
    .tuple(
      fc.constantFrom('WEIGHTS' as const, 'OTHER' as const),
      fc.constantFrom('x/a', 'x/b'),
      small,
    )
    .map(([role, type, content]) => file(role, type, `${type}${content}`)),
);
const installed = fc
  .array(fc.tuple(names, small).map(([name, version]) => `pkg:npm/${name}@${version}.0.0`))
  .map((purls) => packages(...purls));

const KINDS = { ADDED: 'REMOVED', REMOVED: 'ADDED', CHANGED: 'CHANGED' } as const;

/** Checks what holds for every comparison of two sets. */
const checkLaws = <Item>(
  sets: fc.Arbitrary<Item[]>,
  changesOf: (base: Item[], head: Item[]) => readonly PairedChange<Item>[],
  identity: (item: Item) => string,
) =>
  fc.assert(
    fc.property(sets, sets, (base, head) => {
      const pairs = (changes: readonly PairedChange<Item>[]) =>
        told(changes, identity).map((change) => JSON.stringify(change));
      const changes = changesOf(base, head);
      const swapped = changesOf(head, base).map(({ kind, before, after }) => ({
        kind: KINDS[kind],
        before: after,
        after: before,
      }));
      expect(changesOf(base, base)).toEqual([]);
      expect(pairs(swapped).sort()).toEqual(pairs(changes).sort());
      // Taking away what was there before and adding what is there after leads from the base to the head.
      const result = new Set(base.map(identity));
      for (const { before } of changes) if (before !== null) result.delete(identity(before));
      for (const { after } of changes) if (after !== null) result.add(identity(after));
      expect(result).toEqual(new Set(head.map(identity)));
    }),
  );

describe('every comparison of sets', () => {
  it('is empty for equal sides, mirrored for swapped ones, and complete', () => {
    checkLaws(uses, datasetChanges, ({ role, snapshot: { digest } }) => `${role} ${digest}`);
    checkLaws(files, artifactChanges, ({ role, artifact }) => `${role} ${artifact.digest}`);
    checkLaws(installed, packageChanges, ({ purl }) => purl);
  });
});
