import { z } from 'zod';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const proof = z.strictObject({
  leaf: digest,
  position: z.int().min(0),
  batchSize: z.int().min(1),
  batchPath: z.array(digest),
  entry: z.string(),
  index: z.int().min(0),
  path: z.array(digest),
});

/** A path from a leaf to the root that the dossier's checkpoint signs; the fields of `LedgerProof`. */
export type DossierProof = z.infer<typeof proof>;

const predicate = z.strictObject({
  /** When it was made, RFC 3339. */
  createdAt: z.string(),
  record: z.strictObject({
    /** Text that the content digest is the SHA-256 of; null when the content was erased. */
    text: z.string().nullable(),
    /** Base64; null when the content was erased. */
    salt: z.base64().nullable(),
    proof,
  }),
  /** Canonical JSON texts whose SHA-256 is the digest by which others refer to them. */
  manifests: z.array(z.strictObject({ kind: z.string(), digest, text: z.string() })),
  /** Rows of the registry and of histories: registration, transitions, deployments, erasure. */
  rows: z.array(
    z.strictObject({ source: z.string(), rowKey: z.string(), text: z.string(), proof }),
  ),
  /** Signed note (C2SP tlog-checkpoint) under which every proof is. */
  checkpoint: z.string(),
  /** Public keys of the ledger (C2SP signed-note). */
  verifierKeys: z.array(z.string()),
  /** The whole trace, as `operations/trace.graphql` answers it. */
  trace: z.unknown(),
});

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const PREDICATE_TYPE = 'urn:hindcast:dossier:1';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** An in-toto statement (v1) about one prediction. */
export const dossierStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([
    z.strictObject({ name: z.string(), digest: z.strictObject({ sha256: z.string() }) }),
  ]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate,
});

export type DossierStatement = z.infer<typeof dossierStatement>;

export const dsseEnvelope = z.strictObject({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.base64(),
  signatures: z
    .array(z.strictObject({ keyid: z.string(), sig: z.base64() }))
    .min(1)
    .max(16),
});
