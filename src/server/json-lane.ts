import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionResult, type GraphQLError, getOperationAST } from 'graphql';
import type { Logger } from 'pino';
import type { createApp } from './app.ts';
import { textOf } from './graphql-request.ts';
import { logHiddenErrors } from './masked-errors.ts';
import { type ParamsOptions, paramsOfBody } from './request-params.ts';
import type { RequestRecord } from './request-record.ts';

type App = ReturnType<typeof createApp>;

/** What the lane enters, and with what. */
export interface Lane extends ParamsOptions {
  readonly app: App;
  readonly log: Logger;
}

/** Bodies up to this many bytes are read at once; larger ones are rare, and Yoga's to read. */
const LANE_BYTES = 64 * 1024;

const CONTENT_TYPE = /^application\/json(; ?charset=utf-8)?$/i;
const ACCEPT = /^(application\/json|\*\/\*)?$/i;

/** The common request: JSON in, JSON out, nothing else about it. */
export const isPlainRequest = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  url?.includes('?') === false &&
  CONTENT_TYPE.test(headers['content-type'] ?? '') &&
  ACCEPT.test(headers.accept ?? '') &&
  (headers['content-encoding'] ?? 'identity') === 'identity' &&
  Number(headers['content-length'] ?? Number.NaN) <= LANE_BYTES;

interface Params {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parameters of a body that is as it should be; null for any other. */
const paramsOf = (body: Buffer, options: ParamsOptions): Params | null => {
  const { query, variables, operationName, extensions, ...rest } = paramsOfBody(
    textOf(body),
    options,
  );
  const isPlain =
    typeof query === 'string' &&
    (variables == null || isObject(variables)) &&
    (operationName == null || typeof operationName === 'string') &&
    (extensions == null || isObject(extensions)) &&
    Object.keys(rest).length === 0;
  if (!isPlain) return null;
  return {
    query,
    ...(isObject(variables) && { variables }),
    ...(typeof operationName === 'string' && { operationName }),
  };
};

/** Runs an operation through every plugin of the app; null when it is refused before it runs. */
const resultOf = async (
  app: App,
  params: Params,
  record: RequestRecord,
): Promise<ExecutionResult | null> => {
  const { parse, validate, contextFactory, execute, schema } = app.getEnveloped({
    params,
    record,
    // As much of it as Yoga looks at: it notes the status in errors that it keeps.
    request: { method: 'POST' },
  });
  const document = parse(params.query);
  if (validate(schema, document).length > 0) return null;
  const operation = getOperationAST(document, params.operationName);
  if (operation == null || operation.operation === 'subscription') return null;
  const result = await execute({
    schema,
    document,
    contextValue: await contextFactory(),
    variableValues: params.variables,
    operationName: params.operationName,
  });
  // Variables that do not fit are refused before anything runs, and have no data.
  return 'data' in result ? result : null;
};

const attempted = async (
  lane: Lane,
  body: Buffer,
  record: RequestRecord,
): Promise<ExecutionResult | null> => {
  try {
    const params = paramsOf(body, lane);
    return params === null ? null : await resultOf(lane.app, params, record);
  } catch {
    // Thrown before anything ran: what runs answers with errors instead. Yoga says what is wrong.
    return null;
  }
};

const errorJson = (error: GraphQLError): object => {
  const { extensions, ...rest } = error.toJSON();
  const { http: _, unexpected: __, ...shown } = extensions ?? {};
  return { ...rest, ...(Object.keys(shown).length > 0 && { extensions: shown }) };
};

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The highest status and the headers that errors ask for, as Yoga has it. */
const headOf = ({ errors = [] }: ExecutionResult): Head =>
  errors.reduce<Head>(
    ({ status, headers }, { extensions }) => {
      const asked = extensions?.http as Partial<Head> | undefined;
      return {
        status: Math.max(status, asked?.status ?? 200),
        headers: { ...headers, ...asked?.headers },
      };
    },
    { status: 200, headers: {} },
  );

const resultJson = ({ data, errors, extensions }: ExecutionResult): string =>
  JSON.stringify({
    data,
    ...(errors !== undefined && { errors: errors.map(errorJson) }),
    ...(extensions !== undefined && { extensions }),
  });

/** Iterating over the chunks would cost several times as much. */
const bodyOf = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(request.errored ?? new Error('The body ended before its end.'));
    });
  });

/** Lets Yoga answer a request whose body was read. */
const answerByYoga = async (
  app: App,
  body: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
): Promise<void> => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  const answer = await app.fetch(
    `http://${request.headers.host ?? 'localhost'}${request.url ?? ''}`,
    { method: 'POST', headers, body: new Uint8Array(body) },
    { record },
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
};

/**
 * Answers a plain request without Yoga's HTTP layer, which costs more than most operations. Parsing, validation, context
 * and execution are Yoga's, with every plugin; so is every answer to what is refused.
 */
export const answerPlainly = async (
  lane: Lane,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
): Promise<void> => {
  const body = await bodyOf(request);
  const result = await attempted(lane, body, record);
  if (result === null) return answerByYoga(lane.app, body, request, response, record);
  logHiddenErrors(lane.log, result.errors ?? [], record);
  const text = resultJson(result);
  const { status, headers } = headOf(result);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
};
