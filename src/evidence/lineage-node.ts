import { builder } from '../platform/builder.ts';

/** A vertex of the lineage graph. What it was made from, and what was made from it, is added where the graph is known. */
export const LineageNodeRef = builder.interfaceRef<object>('LineageNode').implement({
  description:
    'A vertex of the lineage graph. Links point from cause to effect: code, data, schema and environment are upstream of a model version; deployments and predictions are downstream.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    displayName: t.string({
      description: 'Short human-readable name, such as `flight-delay@1.0.0`.',
      resolve: () => {
        throw new Error('Each type names itself.');
      },
    }),
  }),
});
