import { PackageURL } from 'packageurl-js';
import { builder } from '../platform/builder.ts';
import { digestOf, type JsonValue } from '../platform/canonical-json.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import type { Issues } from '../platform/issues.ts';
import { unstorableText } from '../platform/storable-text.ts';
import { recordedAtIn, type Transaction } from '../platform/transaction.ts';
import type { ContentAddressed } from './content-addressed.ts';

/** One installed package. */
export interface RuntimePackage {
  /** Package URL without version, such as `pkg:pypi/numpy`. */
  readonly name: string;
  readonly version: string;
  /** Canonical package URL. */
  readonly purl: string;
}

/** A software and hardware environment. */
export interface RuntimeEnvironment extends ContentAddressed {
  readonly runtime: string;
  readonly platform: string;
  readonly accelerator: string | null;
  readonly imageDigest: string | null;
  readonly threads: number | null;
  /** By package URL. */
  readonly packages: readonly RuntimePackage[];
}

type Description = Omit<RuntimeEnvironment, 'id' | 'digest' | 'recordedAt'>;

export const environmentContent = ({ packages, ...environment }: Description): JsonValue => ({
  runtime: environment.runtime,
  platform: environment.platform,
  accelerator: environment.accelerator,
  imageDigest: environment.imageDigest,
  threads: environment.threads,
  packages: packages.map(({ purl }) => purl),
});

/** Longest package URL: it must fit into an index entry. */
const MAX_PURL_LENGTH = 1000;

/** Reads a package URL with a version; null for anything else. */
export const parsePackage = (text: string): RuntimePackage | null => {
  try {
    const { type, namespace, name, version, qualifiers, subpath } = PackageURL.fromString(text);
    if (version === undefined || version === null || version === '') return null;
    const purl = new PackageURL(type, namespace, name, version, qualifiers, subpath).toString();
    if (purl.length > MAX_PURL_LENGTH || unstorableText(version) !== null) return null;
    return {
      name: new PackageURL(type, namespace, name, undefined, undefined, undefined).toString(),
      version,
      purl,
    };
  } catch {
    return null;
  }
};

/** The canonical package URL without version; null for anything else. */
export const parsePackageName = (text: string): string | null => {
  try {
    const { type, namespace, name, version } = PackageURL.fromString(text);
    if (version != null) return null;
    return new PackageURL(type, namespace, name, undefined, undefined, undefined).toString();
  } catch {
    return null;
  }
};

export const notAPackageName = (text: string): string =>
  `${JSON.stringify(text.slice(0, 100))} is not a package URL without version, such as pkg:pypi/numpy; give versions in \`versions\`.`;

export const RuntimeEnvironmentInput = builder.inputType('RuntimeEnvironmentInput', {
  description: 'An environment to record.',
  fields: (t) => ({
    runtime: t.string({
      required: true,
      description: 'Interpreter and version, such as `cpython 3.12.4`.',
    }),
    platform: t.string({
      required: true,
      description: 'Operating system and architecture, such as `linux/amd64`.',
    }),
    accelerator: t.string({ description: 'Accelerator and driver, such as `cuda 12.6`.' }),
    imageDigest: t.field({ type: 'Digest', description: 'Digest of the container image.' }),
    threads: t.int({
      description:
        'Threads that inference uses; part of the identity because results may differ by it.',
    }),
    packages: t.stringList({
      required: true,
      description:
        'Package URLs of the installed packages with versions, such as `pkg:pypi/numpy@2.1.0`; at most 2000.',
    }),
  }),
});

export type EnvironmentSource = typeof RuntimeEnvironmentInput.$inferInput;

export const checkEnvironment = (
  { runtime, platform, accelerator, threads, packages }: EnvironmentSource,
  path: readonly (string | number)[],
  issues: Issues,
): void => {
  issues.name([...path, 'runtime'], runtime);
  issues.name([...path, 'platform'], platform);
  if (accelerator != null) issues.name([...path, 'accelerator'], accelerator);
  if (threads != null && (threads < 1 || threads > 4096)) {
    issues.add([...path, 'threads'], `threads is ${threads}; give 1 to 4096, or leave it out.`);
  }
  if (packages.length > 2000) {
    issues.add([...path, 'packages'], `${packages.length} packages were given; give at most 2000.`);
  }
  for (const [index, text] of packages.entries()) {
    if (parsePackage(text) === null) {
      issues.add(
        [...path, 'packages', index],
        `${JSON.stringify(text.slice(0, 100))} is not a package URL with a version, such as pkg:pypi/numpy@2.1.0, of at most ${MAX_PURL_LENGTH} characters.`,
      );
    }
  }
};

const descriptionOf = (source: EnvironmentSource): Description => {
  const packages = source.packages.map(parsePackage).filter((found) => found !== null);
  const unique = new Map(packages.map((found) => [found.purl, found]));
  return {
    runtime: source.runtime,
    platform: source.platform,
    accelerator: source.accelerator ?? null,
    imageDigest: source.imageDigest ?? null,
    threads: source.threads ?? null,
    packages: [...unique.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  };
};

/** Records a checked environment. */
export const recordEnvironment = async (
  transaction: Transaction,
  source: EnvironmentSource,
): Promise<{ readonly environment: RuntimeEnvironment; readonly isNew: boolean }> => {
  const { packages, ...row } = descriptionOf(source);
  const digest = digestOf(environmentContent({ packages, ...row }));
  const { count } = await transaction.runtimeEnvironment.createMany({
    data: [{ ...row, digest, recordedAt: await recordedAtIn(transaction) }],
    skipDuplicates: true,
  });
  const found = await transaction.runtimeEnvironment.findUniqueOrThrow({ where: { digest } });
  if (count === 1) {
    await transaction.runtimePackage.createMany({
      data: packages.map((installed) => ({ ...installed, runtimeEnvironmentId: found.id })),
    });
  }
  return { environment: { ...found, packages }, isNew: count === 1 };
};

const include = { packages: { orderBy: { purl: 'asc' } } } as const;

export const findEnvironments = (
  prisma: Pick<Transaction, 'runtimeEnvironment'>,
  where: { id: { in: number[] } } | { digest: { in: string[] } },
): Promise<RuntimeEnvironment[]> => prisma.runtimeEnvironment.findMany({ where, include });

export const runtimeEnvironmentById = immutableLoader<number, RuntimeEnvironment>(
  'RuntimeEnvironment',
  async ({ prisma }, ids) => {
    const rows = await findEnvironments(prisma, { id: { in: [...ids] } });
    return new Map(rows.map((row) => [row.id, row]));
  },
);

export const runtimeEnvironmentByDigest = immutableLoader<string, RuntimeEnvironment>(
  'RuntimeEnvironment',
  async ({ prisma }, digests) => {
    const rows = await findEnvironments(prisma, { digest: { in: [...digests] } });
    return new Map(rows.map((row) => [row.digest, row]));
  },
);

export const RuntimeEnvironmentRef = builder.objectRef<RuntimeEnvironment>('RuntimeEnvironment');
