import { type KeyObject, sign, verify } from 'node:crypto';
import type { Signer, VerifierKey } from './signed-note.ts';

/** A signed payload (DSSE 1.0, JSON form). */
export interface DsseEnvelope {
  readonly payloadType: string;
  /** Base64. */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What is signed: DSSE's pre-authentication encoding. */
const encoded = (payloadType: string, payload: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `),
    payload,
  ]);

export const signEnvelope = (
  payloadType: string,
  payload: Uint8Array,
  { verifierKey, privateKey }: Signer,
): DsseEnvelope => ({
  payloadType,
  payload: Buffer.from(payload).toString('base64'),
  signatures: [
    {
      keyid: `${verifierKey.name}+${verifierKey.id}`,
      sig: sign(null, encoded(payloadType, payload), privateKey).toString('base64'),
    },
  ],
});

const isSignedBy = (key: KeyObject, message: Uint8Array, signature: string): boolean =>
  verify(null, message, key, Buffer.from(signature, 'base64'));

/** The payload of an envelope that one of the keys signed; null when none did. */
export const openEnvelope = (
  { payloadType, payload, signatures }: DsseEnvelope,
  keys: readonly VerifierKey[],
): Uint8Array | null => {
  const bytes = new Uint8Array(Buffer.from(payload, 'base64'));
  const message = encoded(payloadType, bytes);
  const isSigned = signatures.some(({ sig }) =>
    keys.some(({ key }) => isSignedBy(key, message, sig)),
  );
  return isSigned ? bytes : null;
};
