import { generateKeyPairSync } from 'node:crypto';
import { type Signer, verifierKeyOf } from '../../src/platform/signed-note.ts';

/** A key of its own, that is in no file. */
export const someSigner = (name = 'hindcast/test'): Signer => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, verifierKey: verifierKeyOf(name, privateKey) };
};
