import { mergeConfig } from 'vitest/config';
import config from '../../vitest.config.ts';

/** The tests of faults, each fault many times: `npm run torture`, on PostgreSQL with TEST_DATABASE_URL. */
export default mergeConfig(config, {
  test: { env: { TORTURE_KILLS: '50', TORTURE_OUTAGE_MS: '30000', TORTURE_CUTS: '50' } },
});
