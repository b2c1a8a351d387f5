import { mergeConfig } from 'vitest/config';
import config from '../../vitest.config.ts';

/**
 * The tests of faults and of random inputs, each many times: `npm run torture`, on PostgreSQL with TEST_DATABASE_URL.
 * FUZZ_INPUTS says how many inputs; what a run printed as FUZZ_SEED repeats it.
 */
const torture = mergeConfig(config, {
  test: {
    env: {
      TORTURE_KILLS: '50',
      TORTURE_OUTAGE_MS: '30000',
      TORTURE_CUTS: '50',
      FUZZ_INPUTS: process.env.FUZZ_INPUTS ?? '100000',
    },
  },
});

export default {
  ...torture,
  test: {
    ...torture.test,
    include: ['kill', 'outages', '*-fuzz', 'whole-property'].map((name) => `test/${name}.test.ts`),
  },
};
