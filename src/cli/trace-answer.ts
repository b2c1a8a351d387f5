/** What operations/trace.graphql returns. */
export interface TraceAnswer {
  readonly verdict: string;
  readonly digest: string;
  readonly knownAt: string;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
  }[];
  readonly gaps: readonly {
    readonly subject: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly prediction: {
    readonly requestId: string;
    readonly archiveFile: { readonly digest: string; readonly location: string } | null;
    readonly item: number;
    readonly traceId: string | null;
    readonly entityKey: string | null;
    readonly occurredAt: string;
    readonly recordedAt: string;
    readonly digest: string;
    readonly scoreText: string | null;
    readonly label: string | null;
    readonly latencyMs: number | null;
    readonly endpoint: { readonly name: string; readonly environment: string };
    readonly outcome: {
      readonly label: string | null;
      readonly text: string | null;
      readonly observedAt: string;
    } | null;
  };
  readonly deployment: {
    readonly role: string;
    readonly trafficShare: number;
    readonly startedAt: string;
    readonly endedAt: string | null;
    readonly endReason: string | null;
    readonly reason: string;
    readonly actor: string;
    readonly predecessor: { readonly modelVersion: { readonly displayName: string } } | null;
  } | null;
  readonly stageAtPrediction: string | null;
  readonly modelVersion: {
    readonly displayName: string;
    readonly digest: string;
    readonly recordedBy: string;
    readonly featureSchema: {
      readonly name: string;
      readonly semver: string;
      readonly digest: string;
    };
  };
  readonly commit: {
    readonly displayName: string;
    readonly oid: string;
    readonly isDirty: boolean;
    readonly messageHeadline: string | null;
    readonly author: string | null;
  };
  readonly featureSchema: {
    readonly name: string;
    readonly semver: string;
    readonly digest: string;
  };
  readonly features: readonly FeatureAnswer[];
  readonly datasets: readonly {
    readonly role: string;
    readonly snapshot: {
      readonly name: string;
      readonly digest: string;
      readonly rowCount: number | null;
      readonly eventTimeFrom: string | null;
      readonly eventTimeTo: string | null;
    };
  }[];
  readonly environment: {
    readonly runtime: string;
    readonly platform: string;
    readonly threads: number | null;
    readonly digest: string;
  };
  readonly artifacts: readonly {
    readonly role: string;
    readonly artifact: {
      readonly displayName: string;
      readonly digest: string;
      readonly mediaType: string;
      readonly sizeBytes: number;
    };
  }[];
}

export interface Step {
  readonly function: string;
  readonly version: string;
  readonly parameters: unknown;
}

export interface FeatureAnswer {
  readonly name: string;
  readonly status: string;
  readonly text: string | null;
  readonly ageSeconds: number | null;
  readonly definition: { readonly type: string; readonly transformations: readonly Step[] } | null;
  readonly expected: { readonly transformations: readonly Step[] } | null;
  readonly baseline: { readonly quantile: number | null; readonly isUnseen: boolean } | null;
}
