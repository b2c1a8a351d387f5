import { createYoga } from 'graphql-yoga';
import type { Actor, Context } from '../platform/context.ts';
import type { Database } from '../platform/database.ts';
import { schema } from '../schema.ts';

export interface AppOptions {
  readonly database: Database;
  readonly actor: Actor;
}

/** The GraphQL server over a database. */
export const createApp = ({ database, actor }: AppOptions) =>
  createYoga<object, Context>({
    schema,
    context: () => ({ database, actor }),
    logging: false,
  });
