import { builder } from '../platform/builder.ts';
import { PredictionLogRef } from '../prediction/prediction-log.ts';
import { LifecycleTransitionRef } from '../registry/lifecycle-type.ts';
import { ModelVersionRef } from '../registry/model-version.ts';
import { DeploymentRef } from '../serving/deployment-type.ts';
import { SamplingFactRef } from '../serving/sampling-type.ts';
import { LedgerProofRef, RowProofRef } from './ledger-proof-type.ts';
import { provePrediction } from './prediction-proof.ts';
import { proveRows } from './row-proof.ts';

const COST = 10;

builder.objectField(PredictionLogRef, 'proof', (t) =>
  t.field({
    type: LedgerProofRef,
    nullable: true,
    description:
      'Proof that this record, with this content, is in the ledger; also of one whose content was erased. Null while it is not sealed (seconds), and when its row was altered.',
    complexity: COST,
    resolve: (prediction, _, context) => provePrediction(context, prediction),
  }),
);

builder.objectField(ModelVersionRef, 'proof', (t) =>
  t.field({
    type: RowProofRef,
    nullable: true,
    description:
      'Proof of its registration. The row holds the digest, which covers all that the version is made of.',
    complexity: COST,
    resolve: async ({ id }, _, { database }) =>
      (await proveRows(database, 'model_version', [[id]]))[0] ?? null,
  }),
);

builder.objectField(LifecycleTransitionRef, 'proof', (t) =>
  t.field({
    type: RowProofRef,
    nullable: true,
    description: 'Proof that this transition was recorded.',
    complexity: COST,
    resolve: async ({ modelVersion, sequence }, _, { database }) =>
      (await proveRows(database, 'lifecycle_transition', [[modelVersion.id, sequence]]))[0] ?? null,
  }),
);

builder.objectField(DeploymentRef, 'proofs', (t) =>
  t.field({
    type: [RowProofRef],
    description: 'Proofs of the facts that were recorded of it, in their order.',
    complexity: { field: COST, multiplier: 5 },
    resolve: async ({ deployment }, _, { database }) => [
      ...(await proveRows(
        database,
        'deployment_fact',
        deployment.facts.map(({ sequence }) => [deployment.id, sequence]),
      )),
    ],
  }),
);

builder.objectField(SamplingFactRef, 'proof', (t) =>
  t.field({
    type: RowProofRef,
    nullable: true,
    description: 'Proof that this was declared.',
    complexity: COST,
    resolve: async ({ endpointId, sequence }, _, { database }) =>
      (await proveRows(database, 'sampling_fact', [[endpointId, sequence]]))[0] ?? null,
  }),
);
