import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { needs } from '../platform/needs.ts';

/** An immutable object whose identity is the SHA-256 of its canonical content. */
export interface ContentAddressed {
  readonly id: number;
  readonly digest: string;
  readonly recordedAt: Date;
}

export const ContentAddressedRef = builder
  .interfaceRef<ContentAddressed>('ContentAddressed')
  .implement({
    description:
      'An immutable object whose identity is the SHA-256 of its canonical content (RFC 8785 JSON, UTF-8), or of its bytes. Recording the same content twice yields the same object.',
    fields: (t) => ({
      digest: t.expose('digest', { type: 'Digest', description: 'SHA-256 of the content.' }),
      recordedAt: t.expose('recordedAt', {
        type: 'DateTime',
        description: 'When Hindcast first recorded the object.',
      }),
      displayName: t.string({
        description: 'Short human-readable name, such as `flight-delay@1.0.0`.',
        resolve: () => {
          throw new Error('Each type names itself.');
        },
      }),
    }),
  });

/** First 12 hexadecimal characters: enough to tell objects apart when reading. */
export const shortDigest = (digest: string): string => digest.slice(7, 19);

type Finder = (database: Database, digest: string) => Promise<ContentAddressed | null>;

const finders: Finder[] = [];

/** Makes objects of one type findable by `Query.object`. */
export const findableByDigest = (find: Finder): void => {
  finders.push(find);
};

const findByDigest = async (
  database: Database,
  digest: string,
): Promise<ContentAddressed | null> => {
  for (const find of finders) {
    const object = await find(database, digest);
    if (object !== null) return object;
  }
  return null;
};

builder.queryField('object', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: ContentAddressedRef,
    nullable: true,
    description: 'Any immutable object by its digest.',
    complexity: 5,
    args: {
      digest: t.arg({ type: 'Digest', required: true, description: 'SHA-256 of the content.' }),
    },
    resolve: (_, { digest }, { database }) => findByDigest(database, digest),
  }),
);
