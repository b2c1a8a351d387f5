import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import './setup/probe.ts';
import { openTestHindcast } from './setup/hindcast.ts';

const hindcast = await openTestHindcast();

const audits = serverAudits({ url: `${hindcast.url}/graphql`, fetchFn: fetch });

describe('GraphQL over HTTP', () => {
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
