import { createHash } from 'node:crypto';
import { z } from 'zod';
import { digestOfBytes } from '../platform/canonical-json.ts';
import { openEnvelope } from '../platform/dsse.ts';
import { parseVerifierKey, type VerifierKey } from '../platform/signed-note.ts';
import { copyText } from '../prediction/copy-text.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import {
  type DossierProof,
  type DossierStatement,
  dossierStatement,
  dsseEnvelope,
} from './dossier-format.ts';
import { rootOfProof } from './ledger-proof.ts';
import { commitmentOf, sameHash } from './merkle-hash.ts';

/** What a dossier proves, and what is wrong with it. */
export interface DossierReport {
  /** Null when it cannot be read. */
  readonly statement: DossierStatement | null;
  readonly checkpoint: Checkpoint | null;
  /** The keys that were trusted. */
  readonly keys: readonly VerifierKey[];
  readonly problems: readonly string[];
}

const sha256 = (bytes: Uint8Array | string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
const bytesOf = (digest: string): Uint8Array =>
  new Uint8Array(Buffer.from(digest.slice('sha256:'.length), 'hex'));

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The statement inside an envelope, whoever signed it; null when there is none. */
const readStatement = (file: string): DossierStatement | null => {
  const envelope = dsseEnvelope.safeParse(parseJson(file));
  if (!envelope.success) return null;
  const payload = Buffer.from(envelope.data.payload, 'base64').toString();
  const statement = dossierStatement.safeParse(parseJson(payload));
  return statement.success ? statement.data : null;
};

const leadsTo = (proof: DossierProof, { size, root }: Checkpoint): boolean => {
  const { leaf, batchPath, path, ...rest } = proof;
  const reached = rootOfProof(
    { ...rest, leaf: bytesOf(leaf), batchPath: batchPath.map(bytesOf), path: path.map(bytesOf) },
    size,
  );
  return reached !== null && sameHash(reached, root);
};

const sourceOf = ({ entry }: DossierProof): string => entry.split('\n')[1] ?? '';
const rowKeyOf = ({ entry }: DossierProof): string => entry.split('\n')[2] ?? '';

/** Whether the name of a subject, as JSON, is that of the record; of what was erased the text is gone. */
const isNamed = (name: string, text: string | null): boolean => {
  if (text === null) return true;
  const parts = parseJson(name);
  if (!Array.isArray(parts) || parts.length !== 4) return false;
  const [requestId, occurredAt, route, item] = parts.map(String);
  const named = [copyText(requestId ?? ''), occurredAt, item, copyText(route ?? '')];
  return named.join('\t') === text.split('\t').slice(1, 5).join('\t');
};

const recordProblems = (
  { subject: [{ name, digest }], predicate }: DossierStatement,
  checkpoint: Checkpoint,
): readonly string[] => {
  const { text, salt, proof } = predicate.record;
  const content = text === null ? null : sha256(text);
  const leaf =
    content === null || salt === null
      ? bytesOf(proof.leaf)
      : commitmentOf(new Uint8Array(Buffer.from(salt, 'base64')), content);
  const subject = Buffer.from(content ?? leaf).toString('hex');
  return [
    ...(subject === digest.sha256 && isNamed(name, text)
      ? []
      : ['the record is not what the subject says']),
    ...(sameHash(leaf, bytesOf(proof.leaf)) && sourceOf(proof) === 'prediction_log'
      ? []
      : ['the record is not what its proof is about']),
    ...(leadsTo(proof, checkpoint) ? [] : ['the proof of the record does not lead to the root']),
  ];
};

const versionManifest = z.object({
  commit: z.string(),
  featureSchema: z.string(),
  environment: z.string(),
  datasets: z.array(z.object({ digest: z.string() })).default([]),
});

type Reference = readonly [digest: unknown, kind: string];

/** What a version is made of; null when the text is no manifest of one. */
const referencesIn = (text: string): readonly Reference[] | null => {
  const { success, data } = versionManifest.safeParse(parseJson(text));
  if (!success) return null;
  return [
    [data.commit, 'CodeCommit'],
    [data.featureSchema, 'FeatureSchema'],
    [data.environment, 'RuntimeEnvironment'],
    ...data.datasets.map(({ digest }): Reference => [digest, 'DatasetSnapshot']),
  ];
};

/** Every reference, from the record on, must lead to a text that has that digest, filed as what it is referred to as. */
const manifestProblems = ({ predicate }: DossierStatement): readonly string[] => {
  const { manifests, record } = predicate;
  const [, , , , , version, schema] = record.text?.split('\t') ?? [];
  const roots: readonly Reference[] =
    record.text === null
      ? []
      : [
          [version, 'ModelVersion'],
          [schema, 'FeatureSchema'],
        ];
  const versions = manifests
    .filter(({ kind, digest }) => digest === version || kind === 'ModelVersion')
    .map(({ digest, text }) => ({ digest, made: referencesIn(text) }));
  const references = [...roots, ...versions.flatMap(({ made }) => made ?? [])];
  const filed = new Map(manifests.map(({ digest, kind }) => [digest, kind]));
  return [
    ...manifests
      .filter(({ digest, text }) => digestOfBytes(text) !== digest)
      .map(({ kind, digest }) => `the ${kind} filed as ${digest} has another digest`),
    ...versions
      .filter(({ made }) => made === null)
      .map(({ digest }) => `the ModelVersion filed as ${digest} is no manifest of one`),
    ...references
      .filter(([digest]) => typeof digest !== 'string' || !filed.has(digest))
      .map(([digest]) => `${String(digest)} is referred to and not there`),
    ...references
      .filter(([digest, kind]) => filed.has(String(digest)) && filed.get(String(digest)) !== kind)
      .map(([digest, kind]) => `${String(digest)} is not filed as the ${kind} that it is`),
  ];
};

const rowProblems = ({ predicate }: DossierStatement, checkpoint: Checkpoint): readonly string[] =>
  predicate.rows.flatMap(({ source, rowKey, text, proof }) =>
    digestOfBytes(text) === proof.leaf &&
    text.startsWith(`${source}\n`) &&
    sourceOf(proof) === source &&
    rowKeyOf(proof) === rowKey &&
    leadsTo(proof, checkpoint)
      ? []
      : [`the row ${rowKey} of ${source} is not what the ledger has`],
  );

/**
 * Checks a dossier with nothing but public keys: signature, digests, references, and every proof up to the signed root.
 * Without `trusted` the keys that the file names count, which shows that it is whole, not whose it is.
 */
export const checkDossier = (
  file: string,
  trusted: readonly VerifierKey[] | null,
): DossierReport => {
  const statement = readStatement(file);
  if (statement === null) {
    const problems = ['it is no dossier: a DSSE envelope with an in-toto statement was expected'];
    return { statement, checkpoint: null, keys: trusted ?? [], problems };
  }
  const { predicate } = statement;
  const keys = trusted ?? predicate.verifierKeys.flatMap((text) => parseVerifierKey(text) ?? []);
  const isSigned = openEnvelope(dsseEnvelope.parse(parseJson(file)), keys) !== null;
  const checkpoint = openCheckpoint(predicate.checkpoint, keys);
  return {
    statement,
    checkpoint,
    keys,
    problems: [
      ...(isSigned ? [] : ['no trusted key signed it']),
      ...(checkpoint === null ? ['no trusted key signed its checkpoint'] : []),
      ...(checkpoint === null
        ? []
        : [...recordProblems(statement, checkpoint), ...rowProblems(statement, checkpoint)]),
      ...manifestProblems(statement),
    ],
  };
};
