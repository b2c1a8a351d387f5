import { builder } from '../platform/builder.ts';
import { openCheckpoint } from './checkpoint.ts';
import type { LedgerProof } from './ledger-proof.ts';
import { type StoredCheckpoint, signingKeys } from './ledger-store.ts';
import type { Hash } from './merkle-hash.ts';
import type { RowProof } from './row-proof.ts';

export const hashText = (hash: Hash): string => `sha256:${Buffer.from(hash).toString('hex')}`;

export const CheckpointRef = builder.objectRef<StoredCheckpoint>('Checkpoint').implement({
  description:
    'A signed head of the ledger: whoever keeps one can show later that nothing before it was changed (C2SP tlog-checkpoint).',
  fields: (t) => ({
    size: t.expose('size', { type: 'SafeInt', description: 'Number of entries it covers.' }),
    note: t.exposeString('note', {
      description:
        'The signed note as it is kept and published: name of the ledger, size and root in base64, then Ed25519 signatures (C2SP signed-note).',
    }),
    root: t.field({
      type: 'Digest',
      nullable: true,
      description:
        'Root of the Merkle tree; null when the note carries no signature of a known key.',
      resolve: async ({ note }, _, { database }) => {
        const opened = openCheckpoint(note, await signingKeys(database));
        return opened === null ? null : hashText(opened.root);
      },
    }),
    signedAt: t.expose('signedAt', {
      type: 'DateTime',
      description:
        'When it was signed, by the clock of the database. The signature does not cover it; entries have times that it covers.',
    }),
  }),
});

export const LedgerProofRef = builder.objectRef<LedgerProof>('LedgerProof').implement({
  description:
    'Proof that something recorded is in the ledger, to be checked without trust in this server (RFC 6962, section 2.1): from `leaf` along `batchPath` to the root that `entry` states, from `entry` along `path` to the root that `checkpoint` signs.',
  fields: (t) => ({
    leaf: t.field({
      type: 'Digest',
      description:
        'SHA-256 of salt and content digest of a record, or of the text of a row. It is an entry of the batch: hash it as a leaf.',
      resolve: ({ leaf }) => hashText(leaf),
    }),
    position: t.exposeInt('position', { description: 'Place in the batch, from 0.' }),
    batchSize: t.exposeInt('batchSize', { description: 'Leaves in the batch.' }),
    batchPath: t.field({
      type: ['Digest'],
      description: 'Inclusion path in the batch, the nearest hash first.',
      resolve: ({ batchPath }) => batchPath.map(hashText),
    }),
    entry: t.exposeString('entry', {
      description:
        'Entry of the ledger for the batch: six lines with `ledger-entry/1`, table, key of the row (empty for records), number of leaves, record time, and root in base64. Hash its UTF-8 as a leaf.',
    }),
    index: t.expose('index', {
      type: 'SafeInt',
      description: 'Place of the entry in the ledger, from 0.',
    }),
    path: t.field({
      type: ['Digest'],
      description: 'Inclusion path in the ledger, the nearest hash first.',
      resolve: ({ path }) => path.map(hashText),
    }),
    checkpoint: t.field({
      type: CheckpointRef,
      description: 'The first checkpoint that covers the entry.',
      resolve: ({ checkpoint }) => checkpoint,
    }),
  }),
});

export const RowProofRef = builder.objectRef<RowProof>('RowProof').implement({
  description: 'A row of the registry or of a history, and the proof that it is in the ledger.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'Table of the row.' }),
    rowKey: t.exposeString('rowKey', { description: 'Key of the row, as a JSON array.' }),
    text: t.exposeString('text', {
      description:
        'The row as the ledger commits to it: the table, a newline, and its columns as JSON without nulls. `proof.leaf` is the SHA-256 of it in UTF-8.',
    }),
    proof: t.field({
      type: LedgerProofRef,
      nullable: true,
      description: 'The proof; null while it is not sealed, and when the row was altered.',
      resolve: ({ proof }) => proof,
    }),
  }),
});
