import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/platform/config.ts';
import { ConfigError } from '../src/platform/config-error.ts';

const refusalOf = (variables: Readonly<Record<string, string>>): string => {
  try {
    readConfig({}, variables);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('It was taken.');
};

describe('an environment that cannot be used', () => {
  it('is refused with every variable, its value and what it may be', () => {
    expect(
      refusalOf({ HINDCAST_PORT: '70000', HINDCAST_DOCUMENTS: 'few', HINDCAST_RATE: 'much' }),
    ).toBe(
      [
        'The environment is not usable.',
        '  HINDCAST_PORT is "70000": Too big: expected number to be <=65535',
        '  HINDCAST_DOCUMENTS is "few": Invalid option: expected one of "any"|"trusted"',
        '  HINDCAST_RATE is "much": Invalid input: expected number, received NaN',
      ].join('\n'),
    );
  });

  it.each(['foo', 'http://issuer.example', 'https//issuer.example'])(
    'is one with the issuer %s',
    (issuer) => {
      const message = refusalOf({ HINDCAST_OIDC_ISSUER: issuer, HINDCAST_OIDC_AUDIENCE: 'a' });
      expect(message).toContain(`HINDCAST_OIDC_ISSUER is "${issuer}": must start with https://`);
    },
  );

  it('is refused without repeating what may be a secret', () => {
    const message = refusalOf({
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      HINDCAST_INFERENCE_URL: 'root:hunter2@models',
    });
    expect(message).toContain('DATABASE_URL: must start with postgres:// or postgresql://');
    expect(message).not.toContain('hunter2');
  });

  it('does not count what is set to nothing', () => {
    expect(readConfig({}, { HINDCAST_PORT: '', DATABASE_URL: '' })).toMatchObject({
      port: 4000,
      databaseUrl: null,
    });
  });
});
