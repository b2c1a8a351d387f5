import { builder } from '../platform/builder.ts';
import { UserError, UserErrorInterface } from '../platform/errors.ts';

/** Archives would have to be read or written, and cannot be. */
export class ArchiveUnavailableError extends UserError {
  override readonly name = 'ArchiveUnavailableError';
}

builder.objectType(ArchiveUnavailableError, {
  name: 'ArchiveUnavailableError',
  description: 'Archives would have to be read or written, and cannot be. Nothing was changed.',
  interfaces: [UserErrorInterface],
});
