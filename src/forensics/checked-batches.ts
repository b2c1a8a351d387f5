import type { FeatureRecord, ModelOutput } from './model-runner.ts';

/** Runs a model on records that fit it. */
export type RunRecords = (
  records: readonly FeatureRecord[],
) => Promise<readonly (readonly ModelOutput[])[]>;

/** Of so many records in a batch, one is run by itself as well; of the first batch, so many. */
const CHECKED_OF = 256;
const CHECKED_AT_FIRST = 32;

const sameBits = (one: readonly ModelOutput[], other: readonly ModelOutput[]): boolean =>
  one.length === other.length &&
  one.every(({ values }, place) => {
    const others = other[place]?.values;
    return (
      values.length === others?.length && values.every((value, at) => Object.is(value, others[at]))
    );
  });

/**
 * Runs records as one batch, so long as that gives the bits that single runs give. It does where every operator works row by
 * row in one order of additions, which no file promises: so some records of each batch, others each time, are run by
 * themselves and compared. A model that answers otherwise in a batch, or takes none, runs one by one from then on.
 */
export const likeSingleRuns = (run: RunRecords): RunRecords => {
  let isBatched = true;
  let batches = 0;
  const oneByOne: RunRecords = async (records) => {
    const answers: (readonly ModelOutput[])[] = [];
    for (const record of records) answers.push(...(await run([record])));
    return answers;
  };
  const holds = async (
    records: readonly FeatureRecord[],
    answers: readonly (readonly ModelOutput[])[],
  ): Promise<boolean> => {
    const step = batches === 0 ? Math.ceil(records.length / CHECKED_AT_FIRST) : CHECKED_OF;
    for (let at = batches % Math.min(step, records.length); at < records.length; at += step) {
      const [single = []] = await oneByOne(records.slice(at, at + 1));
      if (!sameBits(single, answers[at] ?? [])) return false;
    }
    batches += 1;
    return true;
  };
  return async (records) => {
    if (!isBatched || records.length === 1) return oneByOne(records);
    const answers = await run(records).catch(() => null);
    isBatched = answers !== null && (await holds(records, answers));
    return isBatched && answers !== null ? answers : oneByOne(records);
  };
};
