import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** A key that checks signed notes: Ed25519, in the text form of C2SP signed-note (`name+id+base64`). */
export interface VerifierKey {
  readonly name: string;
  /** First four bytes, in hexadecimal, of a hash of name and key. */
  readonly id: string;
  readonly key: KeyObject;
  readonly text: string;
}

const ED25519 = 1;
/** What DER puts before the 32 bytes of an Ed25519 public key (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const idOf = (name: string, typed: Uint8Array): string =>
  createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8);

/** The verifier key of a private or public Ed25519 key. */
export const verifierKeyOf = (name: string, key: KeyObject): VerifierKey => {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const typed = Buffer.concat([Uint8Array.of(ED25519), spki.subarray(SPKI.length)]);
  const id = idOf(name, typed);
  return { name, id, key: createPublicKey(key), text: `${name}+${id}+${typed.toString('base64')}` };
};

/** Reads a verifier key; null when it is none of Ed25519, or its parts do not fit each other. */
export const parseVerifierKey = (text: string): VerifierKey | null => {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.trim());
  if (match === null) return null;
  const [, name = '', id = '', encoded = ''] = match;
  const typed = Buffer.from(encoded, 'base64');
  if (typed[0] !== ED25519 || typed.length !== 33 || idOf(name, typed) !== id) return null;
  const der = Buffer.concat([SPKI, typed.subarray(1)]);
  return {
    name,
    id,
    key: createPublicKey({ key: der, format: 'der', type: 'spki' }),
    text: text.trim(),
  };
};

/** A key that signs, with the one that checks. */
export interface Signer {
  readonly verifierKey: VerifierKey;
  readonly privateKey: KeyObject;
}

/** Signs a text that ends in a newline (C2SP signed-note). */
export const signNote = (text: string, { verifierKey, privateKey }: Signer): string => {
  const { name, id } = verifierKey;
  const signature = sign(null, Buffer.from(text), privateKey);
  const line = Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64');
  return `${text}\n— ${name} ${line}\n`;
};

const SIGNATURE = /^— (\S+) ([A-Za-z0-9+/=]+)$/;

/** The text of a note that one of the keys signed; null when none did, or when it ends in anything but signatures. */
export const openNote = (note: string, keys: readonly VerifierKey[]): string | null => {
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) return null;
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split('\n');
  if (!lines.every((line) => SIGNATURE.test(line))) return null;
  const isSigned = lines.some((line) => {
    const [, name, encoded = ''] = SIGNATURE.exec(line) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    return keys.some(
      (key) =>
        key.name === name &&
        bytes.subarray(0, 4).toString('hex') === key.id &&
        verify(null, Buffer.from(text), key.key, bytes.subarray(4)),
    );
  });
  return isSigned ? text : null;
};
