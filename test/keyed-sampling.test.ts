import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKept, MIN_SAMPLING_RATE, sampleFraction } from '../src/serving/keyed-sampling.ts';
import { keeps, rateFor } from '../src/serving/sampling.ts';

const documented = await readFile(new URL('../docs/sampling.md', import.meta.url), 'utf8');
const vectors = [...documented.matchAll(/^\| `(.+?)` +\| (0\.\d+) +\|$/gm)].map(
  ([, key = '', fraction]): [string, number] => [key, Number(fraction)],
);

const rate = fc.double({ min: MIN_SAMPLING_RATE, max: 1, noNaN: true });
const key = fc.string({ unit: 'binary', maxLength: 40 });

describe('keyed sampling', () => {
  it('gives the fractions that are documented for services in other languages', () => {
    expect(vectors).toHaveLength(7);
    expect(vectors.map(([text]) => [text, sampleFraction(text)])).toEqual(vectors);
  });

  it('keeps a key just above its fraction and not at it', () => {
    for (const [text, fraction] of vectors) {
      expect([isKept(text, fraction), isKept(text, fraction + 2 ** -53)]).toEqual([false, true]);
    }
  });

  it('keeps at a rate what it keeps at any lower one, and everything at 1', () => {
    fc.assert(
      fc.property(key, rate, rate, (text, one, other) => {
        const [lower, higher] = [Math.min(one, other), Math.max(one, other)];
        expect(isKept(text, lower) && !isKept(text, higher)).toBe(false);
        expect(isKept(text, 1)).toBe(true);
      }),
    );
  });

  it('gives estimates without bias, whose spread is the standard error that goes with them', () => {
    const keys = 200;
    const property = fc.property(
      fc.string({ maxLength: 8 }),
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      (prefix, share) => {
        // How far the estimates of many populations lie from the truth, in standard errors.
        const deviations = Array.from({ length: 200 }, (_, population) => {
          let kept = 0;
          for (let n = 0; n < keys; n += 1) {
            if (isKept(`${prefix} ${population} ${n}`, share)) kept += 1;
          }
          return (kept / share - keys) / Math.sqrt((keys * (1 - share)) / share);
        });
        const mean = deviations.reduce((sum, one) => sum + one, 0) / deviations.length;
        const spread = deviations.reduce((sum, one) => sum + one ** 2, 0) / deviations.length;
        // Five standard errors of each.
        expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(deviations.length));
        expect(Math.abs(spread - 1)).toBeLessThan(5 * Math.sqrt(2 / deviations.length));
      },
    );
    fc.assert(property, { numRuns: 10, seed: 1952 });
  });

  it('keeps what has no such key, at rate 1, and leaves open what it does not know', () => {
    const byEntity = { key: 'ENTITY_KEY', rate: 0.05 } as const;
    expect(keeps(byEntity, { ENTITY_KEY: 'order-1' })).toBe(true);
    expect(keeps(byEntity, { ENTITY_KEY: 'order-2' })).toBe(false);
    expect(keeps(byEntity, { ENTITY_KEY: null })).toBe(true);
    expect(rateFor(byEntity, { ENTITY_KEY: null })).toBe(1);
    expect(keeps(byEntity, { REQUEST_ID: 'order-1' })).toBe(null);
    expect(keeps({ key: null, rate: 0.05 }, { REQUEST_ID: 'order-1' })).toBe(null);
    expect(keeps({ key: null, rate: 1 }, {})).toBe(true);
  });
});
