import { describe, expect, it } from 'vitest';
import { likeSingleRuns, type RunRecords } from '../src/forensics/checked-batches.ts';
import type { FeatureRecord, ModelOutput } from '../src/forensics/model-runner.ts';

const outputOf = (value: number): readonly ModelOutput[] => [
  { name: 'score', precision: 'FP64', values: [value] },
];

/** Records that are told apart by the place at which they were made. */
const records = Array.from({ length: 1000 }, (): FeatureRecord => ({ get: () => undefined }));
const alone = records.map((_, place) => outputOf(place === 7 ? Number.NaN : place / 3));

const answerOf = (record: FeatureRecord): readonly ModelOutput[] =>
  alone[records.indexOf(record)] ?? [];

/** A model and the sizes of the batches that it was run on. */
const modelThat = (inBatch: (place: number, value: readonly ModelOutput[]) => number | null) => {
  const sizes: number[] = [];
  const run: RunRecords = async (batch) => {
    sizes.push(batch.length);
    return batch.map((record, place) => {
      const answer = answerOf(record);
      const other = batch.length === 1 ? null : inBatch(place, answer);
      return other === null ? answer : outputOf(other);
    });
  };
  return { sizes, run: likeSingleRuns(run) };
};

describe('a batch', () => {
  it('is run at once, and some of it by itself: more of the first, others each time', async () => {
    const { run, sizes } = modelThat(() => null);
    expect(await run(records)).toEqual(alone);
    expect(sizes).toEqual([1000, ...new Array(32).fill(1)]);
    sizes.length = 0;
    expect(await run(records)).toEqual(alone);
    expect(sizes).toEqual([1000, 1, 1, 1, 1]);
  });

  it('gives the bits of single runs when the model gives others in a batch', async () => {
    const { run, sizes } = modelThat((_, [output]) => {
      const value = Number(output?.values[0]);
      return value + value * Number.EPSILON;
    });
    expect(await run(records)).toEqual(alone);
    sizes.length = 0;
    expect(await run(records.slice(0, 3))).toEqual(alone.slice(0, 3));
    expect(sizes).toEqual([1, 1, 1]);
  });

  it('gives them from then on when the difference shows only in a later batch', async () => {
    let isFirst = true;
    const { run, sizes } = modelThat((place) => (!isFirst && place > 500 ? -0 : null));
    await run(records);
    isFirst = false;
    expect(await run(records)).toEqual(alone);
    sizes.length = 0;
    await run(records);
    expect(sizes).toEqual(new Array(1000).fill(1));
  });

  it('is run one by one when the model takes one record only, and fails as that does', async () => {
    const single = likeSingleRuns(async (batch) => {
      if (batch.length > 1) throw new Error('expected one record');
      return batch.map(answerOf);
    });
    expect(await single(records)).toEqual(alone);
    const broken = likeSingleRuns(() => Promise.reject(new Error('no kernel')));
    await expect(broken(records)).rejects.toThrow('no kernel');
  });
});
