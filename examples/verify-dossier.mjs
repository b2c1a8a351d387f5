// Checks a Hindcast dossier with Node's own crypto and nothing else: node verify-dossier.mjs FILE PUBLIC_KEY
// PUBLIC_KEY is name+id+base64 (C2SP signed-note), as `ledger { verifierKeys }` lists it; keep one you trust.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [file, vkey] = process.argv.slice(2);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const unhex = (text) => Buffer.from(text.replace('sha256:', ''), 'hex');
const unbase64 = (text) => Buffer.from(text, 'base64');
const must = (holds, what) => {
  if (!holds) throw new Error(`does not hold: ${what}`);
};
const [, name, id, encoded] = /^(.+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
const raw = unbase64(encoded);
must(sha256(`${name}\n`, raw).toString('hex', 0, 4) === id && raw[0] === 1, 'the public key');
const der = Buffer.concat([unhex('302a300506032b6570032100'), raw.subarray(1)]);
const key = createPublicKey({ key: der, format: 'der', type: 'spki' });

// DSSE: the signature covers type and payload.
const { payloadType, payload, signatures } = JSON.parse(readFileSync(file, 'utf8'));
const bytes = unbase64(payload);
const signed = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `), bytes]);
const isWhole = signatures.some(({ sig }) => verify(null, signed, key, unbase64(sig)));
must(isWhole, 'the signature of the envelope');
const { subject, predicate } = JSON.parse(bytes);

// C2SP tlog-checkpoint: name, size and root, an empty line, signatures.
const [head, tail] = predicate.checkpoint.split('\n\n');
const signatureOf = (line) => unbase64(line.split(' ')[2] ?? '').subarray(4);
const isSigned = (line) => verify(null, Buffer.from(`${head}\n`), key, signatureOf(line));
must(tail.split('\n').some(isSigned), 'the signature of the checkpoint');
const [, size, root] = head.split('\n');

// RFC 9162, section 2.1.3.2.
const climb = (leaf, index, count, path) => {
  let [hash, at, last] = [sha256('\0', leaf), index, count - 1];
  for (const sibling of path.map(unhex)) {
    const isRight = at % 2 === 1 || at === last;
    hash = isRight ? sha256('\x01', sibling, hash) : sha256('\x01', hash, sibling);
    while (isRight && at % 2 === 0 && at > 0) [at, last] = [at / 2, Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash.toString('base64') : '';
};
const isIn = ({ leaf, position, batchSize, batchPath, entry, index, path }) =>
  entry.split('\n')[3] === String(batchSize) &&
  entry.split('\n')[5] === climb(unhex(leaf), position, batchSize, batchPath) &&
  climb(entry, index, Number(size), path) === root;

const { text, salt, proof } = predicate.record;
if (text !== null) {
  must(sha256(text).toString('hex') === subject[0].digest.sha256, 'the digest of the record');
  must(sha256(unbase64(salt), sha256(text)).equals(unhex(proof.leaf)), 'the leaf of the record');
}
must(isIn(proof), 'the proof of the record');
for (const row of predicate.rows) must(sha256(row.text).equals(unhex(row.proof.leaf)) && isIn(row.proof), row.source);
for (const part of predicate.manifests) must(sha256(part.text).equals(unhex(part.digest)), part.kind);
console.log(
  `${subject[0].name}: ${predicate.rows.length} rows, ${predicate.manifests.length} manifests and the record hold.`,
);
