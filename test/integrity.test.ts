import { describe, expect, it } from 'vitest';
import { openTestHindcast, unique } from './setup/hindcast.ts';
import { oidOf, register, registrationOf } from './setup/registry.ts';

const hindcast = await openTestHindcast();
const { ask, database } = hindcast;

interface Report {
  readonly isIntact: boolean;
  readonly computedDigest: string;
  readonly isTransitionChainIntact: boolean;
  readonly brokenReferences: readonly string[];
}

const integrityOf = async (model: string, semver = '1.0.0'): Promise<Report> => {
  const { modelVersion } = await ask<{ modelVersion: { integrity: Report } }>(
    `query ($model: String!, $semver: SemVer!) {
       modelVersion(by: { release: { model: $model, semver: $semver } }) {
         integrity { isIntact computedDigest isTransitionChainIntact brokenReferences }
       }
     }`,
    { model, semver },
  );
  return modelVersion.integrity;
};

/** Alters rows as somebody with all rights to the database could. */
const tamper = async (table: string, change: string): Promise<void> => {
  for (const text of [
    `ALTER TABLE ${table} DISABLE TRIGGER USER`,
    `UPDATE ${table} SET ${change}`,
    `ALTER TABLE ${table} ENABLE TRIGGER USER`,
  ]) {
    await database.query({ text });
  }
};

/** A version with everything that can be altered. */
const completeOf = (model: string) => {
  const base = registrationOf(model);
  const numeric = { count: 1, missing: 0, min: 1, max: 1, mean: 1 };
  const [dataset] = base.datasets;
  const commit = { repository: `https://example.org/${model}`, oid: oidOf(`${model} steps`) };
  const transformations = [{ function: 'scale', version: '1', inputs: ['miles'], commit }];
  const fields = [{ name: 'distance', type: 'FP64', default: 1, transformations }];
  return {
    ...base,
    featureSchema: { definition: { ...base.featureSchema.definition, fields } },
    datasets: [
      {
        role: 'TRAINING',
        snapshot: {
          definition: {
            ...dataset?.snapshot.definition,
            eventTime: { from: '2001-01-01T00:00:00.123456Z' },
            statistics: [{ feature: 'distance', numeric }],
          },
        },
      },
    ],
  };
};

describe('the integrity of a version', () => {
  it('is given by rows that hash to the digests on record', async () => {
    const model = unique('intact');
    const { modelVersion } = await register(hindcast, completeOf(model));
    expect(await integrityOf(model)).toEqual({
      isIntact: true,
      computedDigest: modelVersion?.digest,
      isTransitionChainIntact: true,
      brokenReferences: [],
    });
  });

  const OWNERS = {
    commit: 'id = (SELECT code_commit_id FROM newest)',
    featureSchema: 'feature_schema_id = (SELECT feature_schema_id FROM newest)',
    environment: 'runtime_environment_id = (SELECT runtime_environment_id FROM newest)',
    snapshot: 'dataset_snapshot_id = (SELECT dataset_snapshot_id FROM newest)',
  };

  it.each([
    ['code_commit', 'commit', "repository = repository || '-fork'"],
    ['feature_field', 'featureSchema', 'is_nullable = NOT is_nullable'],
    ['feature_transformation', 'featureSchema', "inputs = ARRAY['kilometres']"],
    ['runtime_package', 'environment', "purl = purl || '1'"],
    ['feature_statistics', 'snapshot', "summary = replace(summary, '1', '2')"],
  ] as const)(
    'is lost when %s is altered, although it was read before',
    async (table, part, change) => {
      const model = unique('altered');
      const { modelVersion } = await register(hindcast, completeOf(model));
      expect((await integrityOf(model)).isIntact).toBe(true);
      const digests = {
        commit: modelVersion?.commit.digest,
        featureSchema: modelVersion?.featureSchema.digest,
        environment: modelVersion?.environment.digest,
        snapshot: modelVersion?.datasets[0]?.snapshot.digest,
      };
      const newest =
        '(SELECT v.*, u.dataset_snapshot_id FROM model_version v JOIN dataset_use u ON u.model_version_id = v.id ORDER BY v.id DESC LIMIT 1) AS newest';
      await tamper(table, `${change} WHERE ${OWNERS[part].replace('newest', newest)}`);
      expect(await integrityOf(model)).toEqual({
        isIntact: false,
        computedDigest: modelVersion?.digest,
        isTransitionChainIntact: true,
        brokenReferences: [digests[part]],
      });
    },
  );

  it('is lost when the links, the manifest, an implementation, the parent or the history are altered', async () => {
    const model = unique('altered');
    const { modelVersion: parent } = await register(hindcast, completeOf(model));
    const release = { model, semver: '1.0.0' };
    for (const semver of ['2.0.0', '2.0.1', '2.0.2']) {
      await register(hindcast, { ...completeOf(model), semver, parent: { release } });
    }
    const version = (semver: string) =>
      `(SELECT v.id FROM model_version v JOIN model m ON m.id = v.model_id WHERE m.name = '${model}' AND v.semver = '${semver}')`;
    await tamper('dataset_use', `role = 'TEST' WHERE model_version_id = ${version('2.0.0')}`);
    await tamper('model_version', `manifest = manifest || ' ' WHERE id = ${version('2.0.1')}`);
    await tamper(
      'lifecycle_transition',
      `actor = 'Eve' WHERE model_version_id = ${version('2.0.2')}`,
    );
    const linked = await integrityOf(model, '2.0.0');
    expect(linked).toMatchObject({ isIntact: false, brokenReferences: [] });
    expect(linked.computedDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await integrityOf(model, '2.0.1')).toMatchObject({
      isIntact: false,
      brokenReferences: [],
      isTransitionChainIntact: true,
    });
    expect(await integrityOf(model, '2.0.2')).toMatchObject({
      isIntact: false,
      brokenReferences: [],
      isTransitionChainIntact: false,
    });
    await tamper('model_version', `manifest = manifest || ' ' WHERE id = ${version('1.0.0')}`);
    await tamper('code_commit', `is_dirty = true WHERE oid = '${oidOf(`${model} steps`)}'`);
    const { brokenReferences } = await integrityOf(model, '2.0.0');
    expect(brokenReferences).toHaveLength(2);
    expect(brokenReferences).toContain(parent?.digest);
  });
});
