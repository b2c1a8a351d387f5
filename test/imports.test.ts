import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The domains; each may import itself and those before it. */
const DOMAINS = [
  'platform',
  'access',
  'evidence',
  'registry',
  'serving',
  'prediction',
  'retention',
  'forensics',
  'ledger',
  'keeping',
  'server',
  'cli',
];
const MAX_LINES = 300;
const SOURCE = fileURLToPath(new URL('../src/', import.meta.url));

const IMPORT = /(?:\bfrom|^import|\bimport\()\s*'(\.[^']+)'/gm;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Paths of the files of ours that it imports. */
  readonly imports: readonly string[];
}

const pathOf = (file: string): string => relative(SOURCE, file).split(sep).join('/');

const files: readonly SourceFile[] = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('generated'))
  .map((file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8');
    const imports = [...text.matchAll(IMPORT)].map(([, target = '']) =>
      pathOf(resolve(SOURCE, dirname(file), target)),
    );
    return { path: pathOf(join(SOURCE, file)), text, imports };
  });

const domainOf = (path: string): string => path.split('/', 1)[0] ?? '';

/** Whether a file may import another. */
const mayImport = (from: string, to: string): boolean => {
  if (domainOf(to) === 'generated') return true;
  if (from === 'schema.ts') return domainOf(to) !== 'cli';
  if (to === 'schema.ts') return ['server', 'cli'].includes(domainOf(from));
  const rank = DOMAINS.indexOf(domainOf(to));
  return rank >= 0 && rank <= DOMAINS.indexOf(domainOf(from));
};

/** Chains of imports that lead back to where they began, each once. */
const cyclesIn = (graph: ReadonlyMap<string, readonly string[]>): string[] => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
};

describe('the source', () => {
  it('is in the domains', () => {
    expect(files.length).toBeGreaterThan(30);
    const elsewhere = files.filter(
      ({ path }) => path !== 'schema.ts' && !DOMAINS.includes(domainOf(path)),
    );
    expect(elsewhere.map(({ path }) => path)).toEqual([]);
  });

  it('imports one way', () => {
    const wrong = files.flatMap(({ path, imports }) =>
      imports.filter((target) => !mayImport(path, target)).map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('imports files that exist, and none in a circle', () => {
    const graph = new Map(files.map(({ path, imports }) => [path, imports]));
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter((target) => domainOf(target) !== 'generated' && !graph.has(target))
        .map((target) => `${path} → ${target}`),
    );
    expect(missing).toEqual([]);
    expect(cyclesIn(graph)).toEqual([]);
  });

  it(`has no file of more than ${MAX_LINES} lines`, () => {
    const long = files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('reads the environment in one place', () => {
    const readers = files.filter(({ text }) => /process\.env|['"]node:process['"]/.test(text));
    expect(readers.map(({ path }) => path)).toEqual(['platform/config.ts']);
  });
});

describe('the rules', () => {
  it.each([
    ['evidence/a.ts', 'platform/b.ts', true],
    ['platform/a.ts', 'evidence/b.ts', false],
    ['server/a.ts', 'schema.ts', true],
    ['forensics/a.ts', 'schema.ts', false],
    ['schema.ts', 'cli/a.ts', false],
    ['platform/a.ts', 'generated/b.ts', true],
    ['cli/a.ts', 'utils/b.ts', false],
  ])('let %s import %s: %s', (from, to, allowed) => {
    expect(mayImport(from, to)).toBe(allowed);
  });

  it('find circles', () => {
    const graph = new Map([
      ['a', ['b', 'd']],
      ['b', ['c']],
      ['c', ['a']],
      ['d', ['d']],
    ]);
    expect(cyclesIn(graph)).toEqual(['a → b → c → a', 'd → d']);
  });

  it('see every way to import', () => {
    const text = `import 'x';\nimport './a.ts';\nimport { b } from './b.ts';\nexport {\n  c,\n} from '../c.ts';\nawait import('./d.ts');\n`;
    expect([...text.matchAll(IMPORT)].map(([, target]) => target)).toEqual([
      './a.ts',
      './b.ts',
      '../c.ts',
      './d.ts',
    ]);
  });
});
