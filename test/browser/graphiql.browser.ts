import { chromium } from 'playwright-core';
import { afterAll, expect, it, vi } from 'vitest';
import { localActor } from '../../src/platform/context.ts';
import { logRoutes } from '../../src/server/log-routes.ts';
import { readOperations } from '../../src/server/operations.ts';
import { loadDemo } from '../setup/demo.ts';
import { openTestHindcast } from '../setup/hindcast.ts';

const hindcast = await openTestHindcast(localActor('tester'), logRoutes);
await loadDemo(hindcast);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
afterAll(() => browser.close());

it('offers every operation as a tab, and answers the trace on the demo data', async () => {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const elsewhere: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(hindcast.url) && !/^(data|blob):/.test(url)) elsewhere.push(url);
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${hindcast.url}/graphql`);
  const tabs = page.locator('.graphiql-tab');
  await tabs.first().waitFor();
  expect(await tabs.count()).toBe(1 + (await readOperations()).length);
  await tabs.filter({ hasText: 'Trace' }).locator('.graphiql-tab-button').click();
  const shown = (place: string) => page.locator(place).innerText();
  await expect.poll(() => shown('.graphiql-query-editor')).toContain('Trace');
  await expect.poll(() => shown('.graphiql-editor-tool')).toContain('flight-delay');
  // GraphiQL needs a moment to notice which operation the new tab holds; pressed earlier, it names the former one.
  await vi.waitFor(
    async () => {
      await page.locator('.graphiql-execute-button').click();
      await page.waitForTimeout(500);
      expect(await shown('.result-window')).toContain('FEATURE_SCHEMA_MISMATCH');
    },
    { timeout: 30_000, interval: 500 },
  );
  if (process.env.SCREENSHOT !== undefined) await page.screenshot({ path: process.env.SCREENSHOT });
  expect(elsewhere).toEqual([]);
  expect(errors).toEqual([]);
});
