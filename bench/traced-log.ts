import { flightLines, type Placement, requestIdAt, timeOf } from './flights.ts';
import { append, appendOutcomes, ask, type Place, register, serve } from './hindcast.ts';

/** The log that is traced: spread over nine weekly partitions. */
export const tracedPlacement = (rows: number): Placement => ({
  rows,
  from: new Date('2026-03-02'),
  days: 56,
  dense: 0,
});

export const ENDPOINT = { name: 'flight-delay', environment: 'production' };
const RELEASES = ['1.0.0', '1.1.0'];
const STAGES = [
  ['STAGING', '2026-02-10T09:00:00Z'],
  ['PRODUCTION', '2026-02-20T09:00:00Z'],
];

const TRANSITION = `mutation ($input: TransitionModelVersionInput!) {
  transitionModelVersion(input: $input) { __typename ... on UserError { message } }
}`;
const START = `mutation ($input: StartDeploymentInput!) {
  startDeployment(input: $input) { __typename ... on UserError { message } }
}`;

const succeed = async (url: string, query: string, input: object): Promise<void> => {
  const data = await ask<Readonly<Record<string, { message?: string }>>>(url, query, { input });
  const message = Object.values(data)[0]?.message;
  if (message !== undefined) throw new Error(message);
};

/** Both versions in production, each answering half of the requests. */
const deploy = async (url: string): Promise<void> => {
  for (const semver of RELEASES) {
    const modelVersion = { release: { model: 'flight-delay', semver } };
    for (const [to, occurredAt] of STAGES) {
      await succeed(url, TRANSITION, { modelVersion, to, reason: 'Reviewed.', occurredAt });
    }
    await succeed(url, START, {
      endpoint: ENDPOINT,
      modelVersion,
      role: semver === '1.0.0' ? 'PRIMARY' : 'CANARY',
      trafficShare: 0.5,
      startedAt: '2026-03-01T00:00:00Z',
    });
  }
};

function* outcomeLines(placement: Placement): Generator<string> {
  for (let row = 0; row < placement.rows; row += 1) {
    yield JSON.stringify({
      requestId: requestIdAt(placement, row),
      endpoint: ENDPOINT,
      observedAt: new Date(timeOf(placement, row) + 7_200_000).toISOString(),
      label: row % 4 === 0 ? 'LATE' : 'ON_TIME',
      value: (row % 90) - 15,
    });
  }
}

/** Registers the example's versions and fills the log of a place with flights and their outcomes. */
export const fillTracedLog = async (
  place: Place,
  placement: Placement,
  flights: string | undefined,
): Promise<void> => {
  const server = await serve(place);
  try {
    await register(server.url);
    await deploy(server.url);
    await append(server.url, flightLines(placement, flights), placement.rows);
    await appendOutcomes(server.url, outcomeLines(placement), placement.rows);
  } finally {
    await server.stop();
  }
};
