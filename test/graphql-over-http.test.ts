import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import './setup/probe.ts';
import { openTestHindcast } from './setup/hindcast.ts';
import { LANES } from './setup/lanes.ts';

const hindcast = await openTestHindcast();

describe.each(LANES)('GraphQL over HTTP through %s', (_, path) => {
  const audits = serverAudits({ url: hindcast.url + path, fetchFn: fetch });

  it('has 61 audits', () => {
    expect(audits).toHaveLength(61);
  });

  for (const audit of audits) {
    it(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      expect(result.status === 'ok' ? 'ok' : `${result.status}: ${result.reason}`).toBe('ok');
    });
  }
});
