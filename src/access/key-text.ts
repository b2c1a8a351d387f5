import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

// Hindcast's own beginning lets scanners of repositories find a key that was published; the checksum spares the database
// what is no key at all.
const KEY = /^hc_([0-9a-f]{64})([0-9a-f]{8})$/;

const checksumOf = (secret: string): string => crc32(secret).toString(16).padStart(8, '0');

/** A new key: 256 random bits between `hc_` and a checksum. */
export const newKeyText = (): string => {
  const secret = randomBytes(32).toString('hex');
  return `hc_${secret}${checksumOf(secret)}`;
};

/** Whether a text can be a key, whoever made it. */
export const isKeyText = (text: string): boolean => {
  const [, secret = '', checksum] = KEY.exec(text) ?? [];
  return checksum === checksumOf(secret);
};

/** What is kept of a key: it cannot be found from this, being as random as it is long. */
export const keyHash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** How a key is called, by its hash. */
export const keyIdOf = (hash: Buffer): string => hash.toString('hex').slice(0, 16);
