import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Context } from '../platform/context.ts';
import { needs } from '../platform/needs.ts';
import { type Page, pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import { unstorableText } from '../platform/storable-text.ts';

/** Most matches that are ranked; a search with more says so. */
const MAX_MATCHES = 1000;
const MAX_WORDS = 10;
const MAX_TEXT = 200;

const KINDS = {
  MODEL: { description: 'A model, by its name.' },
  MODEL_VERSION: { description: 'A model version, by its name such as `flight-delay@1.0.0`.' },
  ENDPOINT: { description: 'An endpoint, by `environment/name`.' },
  FEATURE_SCHEMA: { description: 'A feature schema, by name and semantic version.' },
  FEATURE: {
    description: 'A feature, by its name; the node is the newest schema that declares it.',
  },
  DATASET_SNAPSHOT: { description: 'A dataset snapshot, by the name of its dataset.' },
  PACKAGE: {
    description:
      'A package version, by its package URL; the node is the newest environment with it.',
  },
  CODE_COMMIT: {
    description: 'A commit, by repository, object name and first line of its message.',
  },
  ARTIFACT: { description: 'A stored file, by where its bytes were said to be.' },
} as const;

type Kind = keyof typeof KINDS;

/** The names of each kind: what is shown, and the type and key of the object's global ID. */
const NAMES: { readonly [K in Kind]: string } = {
  MODEL: `SELECT m.name, 'Model' AS type, m.name AS key FROM model m`,
  MODEL_VERSION: `SELECT m.name || '@' || v.semver, 'ModelVersion', v.digest
    FROM model_version v JOIN model m ON m.id = v.model_id`,
  ENDPOINT: `SELECT e.environment || '/' || e.name, 'Endpoint', e.environment || '/' || e.name FROM endpoint e`,
  FEATURE_SCHEMA: `SELECT s.name || ' ' || s.semver, 'FeatureSchema', s.digest FROM feature_schema s`,
  FEATURE: `SELECT DISTINCT ON (f.name) f.name, 'FeatureSchema', s.digest
    FROM feature_field f JOIN feature_schema s ON s.id = f.feature_schema_id ORDER BY f.name, s.id DESC`,
  DATASET_SNAPSHOT: `SELECT d.name, 'DatasetSnapshot', d.digest FROM dataset_snapshot d`,
  PACKAGE: `SELECT DISTINCT ON (p.purl) p.purl, 'RuntimeEnvironment', r.digest FROM runtime_package p
    JOIN runtime_environment r ON r.id = p.runtime_environment_id ORDER BY p.purl, r.id DESC`,
  CODE_COMMIT: `SELECT c.repository || ' ' || c.oid || coalesce(' ' || c.message_headline, ''), 'CodeCommit', c.digest
    FROM code_commit c`,
  ARTIFACT: `SELECT DISTINCT ON (a.digest) l.uri, 'Artifact', a.digest FROM artifact a
    JOIN evidence_location l ON l.digest = a.digest ORDER BY a.digest, l.recorded_at, l.uri`,
};

const KindEnum = builder.enumType('NamedKind', {
  description: 'What has a name to be found by.',
  values: KINDS,
});

interface Match {
  readonly kind: Kind;
  readonly name: string;
  readonly type: string;
  readonly key: string;
}

const MatchRef = builder.objectRef<Match>('NamedObject').implement({
  extensions: needs('registry:read'),
  description: 'Something whose name matches.',
  fields: (t) => ({
    kind: t.field({ type: KindEnum, description: 'What it is.', resolve: ({ kind }) => kind }),
    name: t.exposeString('name', { description: 'The text that matched.' }),
    node: t.node({
      description: 'The object.',
      complexity: 1,
      id: ({ type, key }) => ({ type, id: key }),
    }),
  }),
});

interface MatchPage extends Page<Match> {
  readonly isTruncated: boolean;
}

const EdgeRef = builder.objectRef<Page<Match>['edges'][number]>('NamedObjectEdge').implement({
  description: 'One of the matches and its cursor.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Cursor of this match.', complexity: 0 }),
    node: t.field({
      type: MatchRef,
      description: 'The match.',
      complexity: 0,
      resolve: ({ node }) => node,
    }),
  }),
});

const MatchConnectionRef = builder.objectRef<MatchPage>('NamedObjectConnection').implement({
  description: 'A page of matches.',
  fields: (t) => ({
    edges: t.field({
      type: [EdgeRef],
      description: 'Matches of this page with their cursors.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ edges }) => [...edges],
    }),
    nodes: t.field({
      type: [MatchRef],
      description: 'Matches of this page.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ edges }) => edges.map(({ node }) => node),
    }),
    pageInfo: t.field({
      type: builder.pageInfoRef(),
      description: "This page's place among the matches.",
      complexity: 0,
      resolve: ({ pageInfo }) => pageInfo,
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: `Whether more than ${MAX_MATCHES} names match, the worst of which are left out; give more words.`,
    }),
  }),
});

/** The words of a text; refuses one that cannot be searched for. */
const wordsOf = (text: string): readonly string[] => {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const problem = unstorableText(text);
  const message =
    problem !== null
      ? `${JSON.stringify(text.slice(0, 50))}, which ${problem}.`
      : words.length === 0
        ? 'The text is empty; give at least one word.'
        : words.length > MAX_WORDS || text.length > MAX_TEXT
          ? `The text has ${words.length} words and ${text.length} characters; give at most ${MAX_WORDS} and ${MAX_TEXT}.`
          : null;
  if (message !== null) throw argumentError({ path: ['text'], message });
  return words;
};

/** Names that hold every word: those that begin with the first one first, then the shorter ones. One statement. */
const matchesOf = (
  { database }: Context,
  text: string,
  kinds: readonly Kind[],
): Promise<readonly Match[]> => {
  const words = wordsOf(text);
  const branches = kinds.map(
    (kind) => `SELECT '${kind}' AS kind, n.* FROM (${NAMES[kind]}) AS n (name, type, key)`,
  );
  return database.query<Match>({
    // The collation "C" lowers ASCII letters only, in the text as in the names: on every engine, whatever its locale.
    text: `SELECT kind, name, type, key
      FROM (${branches.join(' UNION ALL ')}) named, lower(name COLLATE "C") AS lowered
      WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) AS word
        WHERE position(lower(word COLLATE "C") IN lowered) = 0)
      ORDER BY position(lower($2::text COLLATE "C") IN lowered) <> 1, length(name), name COLLATE "C", kind, key
      LIMIT ${MAX_MATCHES + 1}`,
    values: [words, words[0]],
  });
};

builder.queryField('findByName', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: MatchConnectionRef,
    nullable: true,
    description:
      'Finds what people call by name: every word of the text must occur in it, ASCII letters in either case. Names that begin with the first word come first, then shorter ones.',
    complexity: (args) => ({ ...pageCost(args), field: 20 }),
    args: {
      ...pageArguments,
      text: t.arg.string({
        required: true,
        description: `Words or parts of words: at most ${MAX_WORDS}, and ${MAX_TEXT} characters.`,
      }),
      kinds: t.arg({ type: [KindEnum], description: 'Only these kinds; all when omitted.' }),
    },
    resolve: async (_, { text, kinds, ...args }, context) => {
      const wanted = kinds == null ? (Object.keys(KINDS) as Kind[]) : [...new Set(kinds)];
      const found = wanted.length === 0 ? [] : await matchesOf(context, text, wanted);
      const matches = found.slice(0, MAX_MATCHES);
      return {
        ...pageOfList(args, matches, ({ kind, name, key }) => [kind, name, key]),
        isTruncated: found.length > MAX_MATCHES,
      };
    },
  }),
);
