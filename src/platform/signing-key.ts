import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from './config-error.ts';
import { type Signer, verifierKeyOf } from './signed-note.ts';

const readPem = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
};

/** Creates the key, unless another process does so first. */
const createPem = async (path: string): Promise<string> => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, pem, { flag: 'wx', mode: 0o600 });
    return pem;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    return readFile(path, 'utf8');
  }
};

const signerOf = (pem: string, path: string): Signer => {
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
    const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    const name = `hindcast/${createHash('sha256').update(der).digest('hex').slice(0, 16)}`;
    return { verifierKey: verifierKeyOf(name, privateKey), privateKey };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${path} holds no Ed25519 private key in PEM: ${reason}.`);
  }
};

/** The key that signs; null when there is no file. */
export const readSigningKey = async ({
  signingKey,
}: {
  readonly signingKey: string;
}): Promise<Signer | null> => {
  const pem = await readPem(signingKey);
  return pem === null ? null : signerOf(pem, signingKey);
};

/** The key that signs checkpoints and dossiers, in PKCS #8 PEM; made when the file does not exist. */
export const openSigningKey = async ({
  signingKey,
}: {
  readonly signingKey: string;
}): Promise<Signer> =>
  signerOf((await readPem(signingKey)) ?? (await createPem(signingKey)), signingKey);
