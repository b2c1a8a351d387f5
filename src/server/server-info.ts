import { performance } from 'node:perf_hooks';
import { builder } from '../platform/builder.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { VERSION } from '../platform/version.ts';

interface ServerInfo {
  readonly version: string;
  readonly engine: 'pglite' | 'postgresql';
  readonly startedAt: Date;
}

const STARTED_AT = new Date(performance.timeOrigin);

const DatabaseEngine = builder.enumType('DatabaseEngine', {
  description: 'What keeps the data.',
  values: {
    PGLITE: { value: 'pglite', description: 'PGlite, PostgreSQL embedded in the server process.' },
    POSTGRESQL: { value: 'postgresql', description: 'A PostgreSQL server.' },
  } as const,
});

const ServerInfoRef = builder.objectRef<ServerInfo>('ServerInfo').implement({
  description: 'The server that answers.',
  fields: (t) => ({
    version: t.expose('version', { type: 'SemVer', description: 'Version of Hindcast.' }),
    engine: t.expose('engine', { type: DatabaseEngine, description: 'What keeps the data.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'When the server process started.',
    }),
  }),
});

builder.queryField('serverInfo', (t) =>
  t.field({
    extensions: needsWithinModels(),
    type: ServerInfoRef,
    nullable: true,
    description: 'The server that answers, for support and for telling installations apart.',
    resolve: (_root, _args, { database }) => ({
      version: VERSION,
      engine: database.engine,
      startedAt: STARTED_AT,
    }),
  }),
);
