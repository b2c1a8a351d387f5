import type { FeatureReading } from '../prediction/feature-decode.ts';
import type { Precision } from './replay-rules.ts';

/** What ran a model. */
export interface RunnerIdentity {
  readonly name: string;
  readonly version: string;
  /** Operating system and architecture, such as `linux/amd64`; null when it does not say. */
  readonly platform: string | null;
  /** Null when it does not say. */
  readonly threads: number | null;
}

/** One output of a model for one record: numbers, or texts. */
export interface ModelOutput {
  readonly name: string;
  readonly precision: Precision | null;
  readonly values: readonly (number | string)[];
}

/** Why a model cannot be run on a record. */
export interface NotRunnable {
  readonly reason: 'RUNTIME_UNAVAILABLE' | 'UNSUPPORTED_FORMAT' | 'VALUE_ABSENT';
  readonly message: string;
}

/** The features of a prediction by name. */
export interface FeatureRecord {
  readonly get: (name: string) => FeatureReading | undefined;
}

/** A model that is loaded. Each record is answered by itself: one that cannot be run does not keep others from it. */
export interface LoadedModel {
  readonly identity: RunnerIdentity;
  readonly run: (
    records: readonly FeatureRecord[],
  ) => Promise<readonly (readonly ModelOutput[] | NotRunnable)[]>;
}
