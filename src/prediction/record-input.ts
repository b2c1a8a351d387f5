import { assertNoIssues } from '../platform/errors.ts';
import {
  type ExactJson,
  type ExactJsonObject,
  stringifyExactJson,
} from '../platform/exact-json.ts';
import type { EndpointReference } from '../serving/endpoint.ts';
import { type RawLine, rawLine } from './raw-line.ts';

/** Most records of one mutation; longer lists go to the HTTP route. */
export const MAX_RECORDS = 1000;

export const assertRecordCount = (list: string, count: number, route: string): void => {
  if (count <= MAX_RECORDS) return;
  const message = `${list} has ${count} items; send at most ${MAX_RECORDS} at once, or any number to POST ${route}.`;
  assertNoIssues([{ path: ['input', list], message }]);
};

/** The line that would say the same on the HTTP route. What is undefined is left out. */
export const lineOf = (
  members: Readonly<Record<string, ExactJson | undefined>>,
  line: number,
): RawLine => {
  const given = Object.entries(members).filter(
    (entry): entry is [string, ExactJson] => entry[1] !== undefined,
  );
  const record: ExactJsonObject = Object.fromEntries(given);
  return rawLine(line, Buffer.from(stringifyExactJson(record)));
};

/** How a line names an endpoint. The global ID of one holds its route. */
export const endpointMember = (
  reference: EndpointReference | null | undefined,
): ExactJsonObject | undefined => {
  if (reference?.route != null) {
    const { name, environment } = reference.route;
    return { name, environment };
  }
  if (reference?.id == null) return undefined;
  const { id } = reference.id;
  const slash = id.indexOf('/');
  return { name: id.slice(slash + 1), environment: id.slice(0, Math.max(slash, 0)) };
};
