import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';
import { needs } from '../platform/needs.ts';
import { CheckpointRef } from './ledger-proof-type.ts';
import { latestCheckpoint } from './ledger-store.ts';
import { sealLedger } from './seal.ts';

/** This process has no key to sign with. */
class SigningUnavailableError extends UserError {
  override readonly name = 'SigningUnavailableError';
}

builder.objectType(SigningUnavailableError, {
  name: 'SigningUnavailableError',
  description: 'This server has no key to sign with, so it seals nothing.',
  interfaces: [UserErrorInterface],
});

const SealPayloadRef = builder
  .objectRef<{ readonly sealed: number }>('SealLedgerPayload')
  .implement({
    description: 'What was sealed.',
    fields: (t) => ({
      sealedCount: t.exposeInt('sealed', { description: 'Entries sealed by this call.' }),
      checkpoint: t.field({
        type: CheckpointRef,
        nullable: true,
        description: 'The newest checkpoint; null when nothing was ever recorded.',
        resolve: (_, _args, { database }) => latestCheckpoint(database),
      }),
    }),
  });

builder.mutationField('sealLedger', (t) =>
  t.field({
    extensions: needs('admin'),
    type: SealPayloadRef,
    nullable: true,
    description:
      'Seals now what was recorded, instead of in a few seconds: before a checkpoint is handed to somebody, for example.',
    errors: { types: [SigningUnavailableError] },
    resolve: (_, _args, { database, signer }) => {
      if (signer === null) {
        throw new SigningUnavailableError('This server was started without a key to sign with.');
      }
      return sealLedger(database, signer);
    },
  }),
);
