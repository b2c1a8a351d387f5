import { argumentError } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { needs } from '../platform/needs.ts';
import {
  connectionType,
  numericKey,
  type PageArguments,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { ledgerSize, proveConsistency } from './ledger-proof.ts';
import { CheckpointRef, hashText } from './ledger-proof-type.ts';
import { checkpointPage, latestCheckpoint, nodesOf, signingKeys } from './ledger-store.ts';
import type { Hash } from './merkle-hash.ts';
import { rootOf } from './merkle-tree.ts';

interface Consistency {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Hash;
  readonly toRoot: Hash;
  readonly path: readonly Hash[];
}

const ConsistencyRef = builder.objectRef<Consistency>('ConsistencyProof').implement({
  description:
    'Proof that the ledger at one size is the beginning of the ledger at a larger one: nothing before it was altered, removed or inserted (RFC 6962, section 2.1.2).',
  fields: (t) => ({
    from: t.expose('from', { type: 'SafeInt', description: 'The smaller size.' }),
    to: t.expose('to', { type: 'SafeInt', description: 'The larger size.' }),
    fromRoot: t.field({
      type: 'Digest',
      description: 'Root at the smaller size: compare it with that of the checkpoint you kept.',
      resolve: ({ fromRoot }) => hashText(fromRoot),
    }),
    toRoot: t.field({
      type: 'Digest',
      description: 'Root at the larger size.',
      resolve: ({ toRoot }) => hashText(toRoot),
    }),
    path: t.field({
      type: ['Digest'],
      description: 'The proof, in the order of RFC 6962.',
      resolve: ({ path }) => path.map(hashText),
    }),
  }),
});

const consistencyOf = async (
  database: Database,
  { from, to }: { from: number; to?: number | null | undefined },
): Promise<Consistency> => {
  const size = await ledgerSize(database);
  const newer = to ?? size;
  if (newer > size || from > newer || from < 0) {
    const path = newer > size ? 'to' : 'from';
    const message = `The ledger has ${size} entries; give 0 <= from <= to <= ${size}, not from ${from} to ${newer}.`;
    throw argumentError({ path: [path], message });
  }
  const [fromRoot, toRoot] = (await Promise.all(
    [from, newer].map(async (end) => rootOf(end, await nodesOf(database, [{ start: 0, end }]))),
  )) as [Hash, Hash];
  return { from, to: newer, fromRoot, toRoot, path: await proveConsistency(database, from, newer) };
};

const CheckpointConnection = connectionType(CheckpointRef, 'Checkpoint', 'checkpoints');

const checkpointsOf = async (database: Database, args: PageArguments) => {
  const request = pageRequest(args);
  const [from = null] = numericKey(request, ['instant']) ?? [];
  return pageOf(request, await checkpointPage(database, request, from), ({ size }) => [
    String(size),
  ]);
};

/** Everything is read when it is asked for. */
interface Ledger {
  readonly pending: number;
}

const LedgerRef = builder.objectRef<Ledger>('Ledger').implement({
  extensions: needs('registry:read'),
  description:
    'Commitments to everything that was recorded, in a Merkle tree (RFC 6962) whose heads are signed. An append of records is one entry, and so is each row of the registry and of a history.',
  fields: (t) => ({
    pending: t.exposeInt('pending', {
      description:
        'Entries recorded but not sealed yet, counted to 10 000. A server seals every few seconds, and when it stops.',
    }),
    latest: t.field({
      type: CheckpointRef,
      nullable: true,
      description: 'The newest checkpoint; null when nothing is sealed.',
      resolve: (_, _args, { database }) => latestCheckpoint(database),
    }),
    checkpoints: t.field({
      type: CheckpointConnection,
      description: 'All checkpoints, the largest first.',
      complexity: pageCost,
      args: pageArguments,
      resolve: (_, args, { database }) => checkpointsOf(database, args),
    }),
    verifierKeys: t.stringList({
      description:
        'Public keys that ever signed here, the first one first, as `name+id+base64` (C2SP signed-note). Keep them, and compare: a server that lies can lie about its keys, too.',
      resolve: async (_, _args, { database }) =>
        (await signingKeys(database)).map(({ text }) => text),
    }),
    consistency: t.field({
      type: ConsistencyRef,
      description: 'Proves that the ledger at one size is the beginning of it at another.',
      complexity: 10,
      args: {
        from: t.arg({
          type: 'SafeInt',
          required: true,
          description: 'The smaller size, such as that of a checkpoint you kept.',
        }),
        to: t.arg({ type: 'SafeInt', description: 'The larger size; all of it when omitted.' }),
      },
      resolve: (_, args, { database }) => consistencyOf(database, args),
    }),
  }),
});

builder.queryField('ledger', (t) =>
  t.field({
    extensions: needs('registry:read'),
    type: LedgerRef,
    nullable: true,
    description: 'The ledger that proves what was recorded.',
    complexity: 5,
    resolve: async (_, _args, { database }) => {
      const [row] = await database.query<{ pending: number }>({
        name: 'pending_entries',
        text: `SELECT count(*)::integer AS pending
          FROM (SELECT FROM ledger_batch WHERE leaf_index IS NULL LIMIT 10000) AS unsealed`,
      });
      return { pending: row?.pending ?? 0 };
    },
  }),
);
