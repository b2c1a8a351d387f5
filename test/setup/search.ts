import type { GraphqlResponse, TestHindcast } from './hindcast.ts';
import { append } from './registration.ts';

type Json = Record<string, unknown>;

const SEARCH = `query (
  $filter: PredictionLogFilter!, $orderBy: PredictionLogOrder! = { field: OCCURRED_AT },
  $first: Int, $after: String, $last: Int, $before: String
) {
  predictionLogs(
    filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before
  ) {
    nodes { requestId occurredAt }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export interface SearchPage {
  readonly nodes: readonly { readonly requestId: string; readonly occurredAt: string }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

export const searchPage = async (
  { ask }: TestHindcast,
  filter: Json,
  more: Json = {},
): Promise<SearchPage> =>
  (await ask<{ predictionLogs: SearchPage }>(SEARCH, { filter, ...more })).predictionLogs;

/** Every page from one end to the other, in the order in which the pages list them. */
export const searchAll = async (
  hindcast: TestHindcast,
  filter: Json,
  {
    size,
    isBackward = false,
    orderBy,
    between = async () => {},
  }: {
    readonly size: number;
    readonly isBackward?: boolean;
    readonly orderBy?: Json;
    readonly between?: () => Promise<unknown>;
  },
): Promise<readonly string[]> => {
  const found: string[] = [];
  let cursor: string | null = null;
  for (let isDone = false; !isDone; ) {
    const page: SearchPage = await searchPage(hindcast, filter, {
      orderBy,
      ...(isBackward ? { last: size, before: cursor } : { first: size, after: cursor }),
    });
    const ids = page.nodes.map(({ requestId }) => requestId);
    if (isBackward) found.unshift(...ids);
    else found.push(...ids);
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
    isDone = !(isBackward ? hasPreviousPage : hasNextPage);
    cursor = isBackward ? startCursor : endCursor;
    await between();
  }
  return found;
};

/** The error of a search that is refused. */
export const refusalOf = async (
  { respond }: TestHindcast,
  filter: Json,
  more: Json = {},
): Promise<NonNullable<GraphqlResponse['errors']>[number]> => {
  const { data, errors } = await respond(SEARCH, { filter, ...more });
  if (errors?.length !== 1 || errors[0] === undefined) {
    throw new Error(`not refused once: ${JSON.stringify({ data, errors })}`);
  }
  return errors[0];
};

/** Appends lines that must all be stored. */
export const appendAll = async (hindcast: TestHindcast, lines: readonly Json[]): Promise<void> => {
  const answer = await append(hindcast, lines);
  const { summary } = answer.at(-1) as { summary?: Json };
  if (summary?.stored !== lines.length) throw new Error(JSON.stringify(answer));
};
