// What a history of registrations, deployments, predictions and erasures comes to, as plainly as it can be said, and
// without a line of the program's own rules. Times are ISO texts with six digits after the second, which sort by time.

export type Stage = 'REGISTERED' | 'STAGING' | 'PRODUCTION' | 'ARCHIVED' | 'REVOKED';
export type Role = 'PRIMARY' | 'CANARY' | 'SHADOW';

export interface Transition {
  readonly sequence: number;
  readonly to: Stage;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly corrects: number | null;
}

export interface Version {
  readonly id: string;
  readonly digest: string;
  readonly release: string;
  readonly commit: number;
  readonly commitId: string;
  readonly transitions: Transition[];
}

export interface Fact {
  readonly trafficShare: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly isRetracted: boolean;
  readonly recordedAt: string;
}

export interface Deployment {
  readonly id: string;
  readonly endpoint: number;
  readonly version: Version;
  readonly role: Role;
  readonly facts: Fact[];
}

export interface Prediction {
  readonly requestId: string;
  readonly item: number;
  readonly occurredAt: string;
  readonly endpoint: number;
  readonly version: Version;
  readonly entity: string | null;
  readonly label: string;
  readonly score: number;
  recordedAt: string;
  /** Other contents that came under the same identity. */
  readonly conflicts: Set<string>;
  isErased: boolean;
}

export interface Outcome {
  readonly requestId: string;
  readonly item: number;
  readonly endpoint: number;
  readonly observedAt: string;
  readonly label: string;
}

export interface History {
  readonly versions: Version[];
  readonly deployments: Deployment[];
  readonly predictions: Map<string, Prediction>;
  outcomes: Outcome[];
}

/** A deployment to start. */
export interface Start {
  readonly endpoint: number;
  readonly version: number;
  readonly role: Role;
  readonly trafficShare: number;
  readonly startedAt: string;
  readonly replaces: readonly number[];
}

/** What is now said of a deployment; undefined where nothing new is. */
export interface Restatement {
  readonly isEnd: boolean;
  readonly startedAt: string | undefined;
  readonly endedAt: string | null | undefined;
  readonly trafficShare: number | undefined;
  readonly isRetracted: boolean | undefined;
}

const MAY_FOLLOW: Readonly<Record<Stage, readonly Stage[]>> = {
  REGISTERED: ['STAGING', 'ARCHIVED', 'REVOKED'],
  STAGING: ['REGISTERED', 'PRODUCTION', 'ARCHIVED', 'REVOKED'],
  PRODUCTION: ['STAGING', 'ARCHIVED', 'REVOKED'],
  ARCHIVED: ['STAGING', 'REVOKED'],
  REVOKED: [],
};

/** Beyond every time. */
export const EVER = '9999';

const timeline = (transitions: readonly Transition[], knownAt: string): readonly Transition[] => {
  const known = transitions.filter(({ recordedAt }) => recordedAt <= knownAt);
  return known
    .filter(({ sequence }) => known.every(({ corrects }) => corrects !== sequence))
    .sort((a, b) =>
      a.occurredAt === b.occurredAt
        ? a.sequence - b.sequence
        : a.occurredAt < b.occurredAt
          ? -1
          : 1,
    );
};

export const stageOf = ({ transitions }: Version, at: string, knownAt = EVER): Stage | null =>
  timeline(transitions, knownAt)
    .filter(({ occurredAt }) => occurredAt <= at)
    .at(-1)?.to ?? null;

/** Whether a change of stage may be recorded: every step of what then holds must be one that may follow. */
export const mayMove = (
  { transitions }: Version,
  next: Omit<Transition, 'recordedAt'>,
): boolean => {
  const steps = timeline([...transitions, { ...next, recordedAt: '' }], EVER).map(({ to }) => to);
  const first = steps[0];
  return (
    first === 'REGISTERED' &&
    steps.every((to, index) => {
      const before = steps[index - 1];
      return before === undefined || MAY_FOLLOW[before].includes(to);
    })
  );
};

export const maySend = (role: Role, stage: Stage | null): boolean =>
  stage === 'PRODUCTION' || (stage === 'STAGING' && role !== 'PRIMARY');

/** What was believed of a deployment; null when it was not known, or known never to have been. */
export const believed = ({ facts }: Deployment, knownAt = EVER): Fact | null => {
  const fact = facts.filter(({ recordedAt }) => recordedAt <= knownAt).at(-1);
  return fact === undefined || fact.isRetracted ? null : fact;
};

export const covers = ({ startedAt, endedAt }: Fact, at: string): boolean =>
  startedAt <= at && (endedAt === null || at < endedAt);

const ROLES: readonly Role[] = ['PRIMARY', 'CANARY', 'SHADOW'];

export interface Serving {
  readonly deployment: Deployment;
  readonly fact: Fact;
}

/** Those in force, by role and start; those that began together in the order of recording. */
export const servingAt = (
  deployments: readonly Deployment[],
  endpoint: number,
  at: string,
  knownAt = EVER,
): readonly Serving[] =>
  deployments
    .filter((deployment) => deployment.endpoint === endpoint)
    .flatMap((deployment) => {
      const fact = believed(deployment, knownAt);
      return fact !== null && covers(fact, at) ? [{ deployment, fact }] : [];
    })
    .sort(
      (a, b) =>
        ROLES.indexOf(a.deployment.role) - ROLES.indexOf(b.deployment.role) ||
        (a.fact.startedAt < b.fact.startedAt ? -1 : a.fact.startedAt > b.fact.startedAt ? 1 : 0),
    );

/** Whether callers would ever be served more than once. */
export const isShared = (deployments: readonly Deployment[], endpoint: number): boolean =>
  deployments.every((deployment) => {
    const fact = believed(deployment);
    if (fact === null) return true;
    const total = servingAt(deployments, endpoint, fact.startedAt)
      .filter((serving) => serving.deployment.role !== 'SHADOW')
      .reduce((sum, serving) => sum + serving.fact.trafficShare, 0);
    return total <= 1.000001;
  });

/** The deployment behind a prediction, as known at some time. */
export const behind = (
  { deployments }: History,
  { endpoint, version, occurredAt }: Prediction,
  knownAt = EVER,
): Deployment | null =>
  servingAt(deployments, endpoint, occurredAt, knownAt).find(
    ({ deployment }) => deployment.version === version,
  )?.deployment ?? null;

export const identityOf = ({
  requestId,
  occurredAt,
  endpoint,
  item,
}: Omit<Prediction, 'version' | 'conflicts'>): string =>
  [requestId, occurredAt, endpoint, item].join(' ');

export const contentOf = ({ version, entity, label, score }: Prediction): string =>
  JSON.stringify([version.digest, entity, label, score]);

/** The outcomes of a prediction, in the order of recording. */
export const outcomesOf = (
  { outcomes }: History,
  { requestId, item, endpoint }: Prediction,
): readonly Outcome[] =>
  outcomes.filter(
    (one) => one.requestId === requestId && one.item === item && one.endpoint === endpoint,
  );
