import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The tests in a real browser: needs Chromium. */
export default defineConfig({
  ...base,
  test: { ...base.test, include: ['test/browser/**/*.browser.ts'] },
});
