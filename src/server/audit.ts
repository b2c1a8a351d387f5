import { type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { recordSensitiveRead } from '../access/sensitive-read.ts';
import type { Context } from '../platform/context.ts';
import type { ServerContext } from './request-record.ts';

type Audited = Context & ServerContext;

const UNRECORDED: ExecutionResult = {
  data: null,
  errors: [
    new GraphQLError('What was read could not be recorded, so it is not shown. Try again.', {
      extensions: { code: 'INTERNAL_SERVER_ERROR', http: { status: 500 } },
    }),
  ],
};

/** Records what was noted since the last time; false when that failed. */
const record = async (
  { database, actor, reads, record: request }: Audited,
  operation: string | null,
  log: Logger,
): Promise<boolean> => {
  if (reads === undefined || reads.noted.size === 0) return true;
  const kinds = [...reads.noted.keys()].sort();
  const subjects = [...new Set([...reads.noted.values()].flatMap((set) => [...set]))].sort();
  reads.noted.clear();
  try {
    await recordSensitiveRead(database, {
      actor: actor.name,
      requestId: request?.requestId ?? '',
      operation,
      kinds,
      subjects,
      reason: reads.reason,
    });
    return true;
  } catch (error) {
    log.error({ requestId: request?.requestId, err: error }, 'a sensitive read was not recorded');
    return false;
  }
};

/** Records sensitive reads before the answer that shows them leaves; what cannot be recorded is not shown. */
export const useSensitiveReads = (log: Logger): Plugin<Audited, ServerContext> => ({
  onExecute: ({ args }) => {
    const context = args.contextValue;
    if (context.reads === undefined) return undefined;
    const name = getOperationAST(args.document, args.operationName)?.name?.value ?? null;
    return {
      onExecuteDone: async ({ setResult }) => {
        if (!(await record(context, name, log))) setResult(UNRECORDED);
      },
    };
  },
  onSubscribe: ({ args }) => {
    const context = args.contextValue as Audited;
    if (context.reads === undefined) return undefined;
    const name = getOperationAST(args.document, args.operationName)?.name?.value ?? null;
    return {
      onSubscribeResult: () => ({
        onNext: async ({ setResult }) => {
          if (!(await record(context, name, log))) setResult(UNRECORDED);
        },
      }),
    };
  },
});
