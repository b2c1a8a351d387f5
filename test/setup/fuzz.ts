import { randomInt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';

/** Inputs that each property is tried with; `npm run torture` tries far more. */
const INPUTS = process.env.FUZZ_INPUTS === undefined ? null : Number(process.env.FUZZ_INPUTS);

/** Printed by every run, and given here to repeat one. */
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));

/** Runs of which one wants to know how far they are. */
const MANY = 100;

/** So many inputs in the full form, or the fewer of every day. */
export const inputsOr = (few: number): number => INPUTS ?? few;

/** How long a property may take: generously, since a machine may be busy, but not for ever. */
export const timeoutFor = (inputs: number): number => 120_000 + inputs * 1000;

/** Tries a property with random inputs; the seed is told at the start and, by fast-check, on failure. */
export const tryAll = async <Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  holds: (input: Input) => Promise<void>,
  numRuns: number,
): Promise<void> => {
  console.info(`${name}: FUZZ_SEED=${SEED}, ${numRuns} runs`);
  const shown = Math.max(1, Math.ceil(numRuns / 10));
  let runs = 0;
  const holdsOnce = async (input: Input): Promise<void> => {
    await holds(input);
    // What takes long without waiting would keep timers from running, and connections from ending.
    await setImmediate();
    runs += 1;
    if (numRuns >= MANY && runs % shown === 0) console.info(`${name}: ${runs} hold`);
  };
  const { failed, counterexamplePath, errorInstance } = await fc.check(
    fc.asyncProperty(inputs, holdsOnce),
    {
      numRuns,
      seed: SEED,
      // What was sent stays, so that smaller inputs would meet other data.
      endOnFailure: true,
      ...(process.env.FUZZ_PATH === undefined ? {} : { path: process.env.FUZZ_PATH }),
    },
  );
  if (!failed) return;
  const repeat = `FUZZ_SEED=${SEED} FUZZ_PATH=${counterexamplePath}`;
  throw new Error(`${name} fail; to repeat: ${repeat}`, { cause: errorInstance });
};
