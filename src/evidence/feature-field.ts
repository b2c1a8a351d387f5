/** Type of a feature value. */
export type FeatureType = 'BOOL' | 'INT64' | 'FP32' | 'FP64' | 'STRING' | 'TIMESTAMP';

/** One step that derives a feature from columns or other features. */
export interface FeatureTransformation {
  readonly function: string;
  readonly version: string;
  readonly inputs: readonly string[];
  /** RFC 8785 canonical JSON text. */
  readonly parameters: string;
  /** Digest of the commit that holds the implementation, when known. */
  readonly codeCommit: string | null;
}

/** One feature of a schema. */
export interface FeatureFieldDefinition {
  readonly name: string;
  /** Position in the schema, from 0. */
  readonly position: number;
  readonly type: FeatureType;
  readonly isNullable: boolean;
  /** Tensor shape of one value; empty for a scalar. */
  readonly shape: readonly number[];
  /** Allowed categories of a STRING feature; null when unrestricted. */
  readonly categories: readonly string[] | null;
  /** Default as JSON text; null when there is none. */
  readonly defaultValue: string | null;
  /** A stored value older than this at prediction time is stale; null when any age is fresh. */
  readonly maxAgeSeconds: number | null;
  readonly isSensitive: boolean;
  readonly description: string | null;
  readonly transformations: readonly FeatureTransformation[];
}
