import { builder } from '../../src/platform/builder.ts';
import { NotFoundError } from '../../src/platform/errors.ts';
import { needs } from '../../src/platform/needs.ts';
import {
  connectionType,
  pageArguments,
  pageCost,
  pageOfList,
} from '../../src/platform/pagination.ts';

// Fields that only tests of the server have. Import this before anything that imports the schema.

interface Probe {
  readonly name: string;
}

const ProbeRef = builder.objectRef<Probe>('Probe');
builder.node(ProbeRef, {
  extensions: needs(),
  id: { resolve: ({ name }) => name },
  loadOne: (name) => ({ name }),
  fields: (t) => ({ name: t.exposeString('name') }),
});
const ProbeConnection = connectionType(ProbeRef, 'Probe', 'probes');

/** Resolves what `Query.probeWait` waits for. */
export const gate = { isReached: () => {}, opened: Promise.resolve() };

builder.queryFields((t) => ({
  probes: t.field({
    extensions: needs(),
    type: ProbeConnection,
    args: { ...pageArguments },
    complexity: pageCost,
    resolve: (_root, args) => pageOfList<Probe>(args, [], ({ name }) => [name]),
  }),
  probeEcho: t.field({
    extensions: needs(),
    type: 'BigInt',
    nullable: true,
    args: { value: t.arg({ type: 'BigInt', required: true }) },
    resolve: (_root, { value }) => value,
  }),
  probeWait: t.string({
    extensions: needs(),
    nullable: true,
    resolve: async () => {
      gate.isReached();
      await gate.opened;
      return 'done';
    },
  }),
  probeFailure: t.string({
    extensions: needs(),
    nullable: true,
    resolve: () => {
      throw new Error('the password is hunter2');
    },
  }),
  probeRefusal: t.string({
    extensions: needs(),
    nullable: true,
    resolve: () => {
      throw new NotFoundError('There is no probe.');
    },
  }),
}));

builder.mutationField('probe', (t) =>
  t.string({ extensions: needs(), nullable: true, resolve: () => 'done' }),
);
