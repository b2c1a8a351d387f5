import { builder } from '../platform/builder.ts';
import { branded, referenced } from '../platform/immutable-cache.ts';
import { needsModel, needsWithinModels } from '../platform/needs.ts';
import { connectionType, pageArguments, pageCost, pageOfList } from '../platform/pagination.ts';
import {
  brokenLinks,
  effectiveFacts,
  type LifecycleFact,
  stageAt,
  stageNow,
  TRANSITIONS,
} from './lifecycle.ts';
import { lifecycleOf } from './lifecycle-history.ts';
import { type ModelVersion, ModelVersionRef, modelVersionByDigest } from './model-version.ts';

export const LifecycleStageEnum = builder.enumType('LifecycleStage', {
  description: 'Where a model version stands between registration and retirement.',
  values: {
    REGISTERED: { description: 'Recorded; not yet offered for serving.' },
    STAGING: { description: 'May be deployed as a shadow or a canary.' },
    PRODUCTION: { description: 'May be deployed as primary.' },
    ARCHIVED: { description: 'No longer served; kept for forensics.' },
    REVOKED: { description: 'Found faulty: must not be served, whatever else is true.' },
  } as const,
});

/** A fact with the version it is about. */
export interface LifecycleTransition extends LifecycleFact {
  readonly modelVersion: ModelVersion;
}

export const LifecycleTransitionRef = builder.objectRef<LifecycleTransition>('LifecycleTransition');

builder.node(LifecycleTransitionRef, {
  extensions: needsModel(
    ({ modelVersion }: { readonly modelVersion: ModelVersion }) => modelVersion.model.name,
    'registry:read',
  ),
  description:
    "One recorded change of a model version's stage. Transitions form a hash chain per version, so a removed or altered row is detectable.",
  id: {
    resolve: ({ modelVersion, sequence }) => `${modelVersion.digest}/${sequence}`,
    description: 'Opaque global ID.',
  },
  loadOne: async (key: string, context) => {
    const [digest = '', sequence] = key.split('/');
    const modelVersion = await modelVersionByDigest(context.database).load(digest);
    if (modelVersion === null) return null;
    const facts = await lifecycleOf(context).load(modelVersion.id);
    const fact = facts.find((found) => String(found.sequence) === sequence);
    return fact === undefined ? null : branded('LifecycleTransition', { ...fact, modelVersion });
  },
  fields: (t) => ({
    modelVersion: t.field({
      type: ModelVersionRef,
      description: 'The version that moved.',
      resolve: ({ modelVersion }) => modelVersion,
    }),
    sequence: t.exposeInt('sequence', {
      description: "Position in the version's history in the order of recording, from 1.",
    }),
    from: t.field({
      type: LifecycleStageEnum,
      nullable: true,
      description: 'Stage before, as known when this was recorded; null for the first transition.',
      resolve: ({ from }) => from,
    }),
    to: t.field({
      type: LifecycleStageEnum,
      description: 'Stage after.',
      resolve: ({ to }) => to,
    }),
    reason: t.exposeString('reason', { description: 'Why, as the actor stated it.' }),
    actor: t.exposeString('actor', { description: 'Who made the change.' }),
    occurredAt: t.expose('occurredAt', {
      type: 'DateTime',
      description: 'When the change took effect.',
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When Hindcast recorded it; later than `occurredAt` for a late fact.',
    }),
    corrects: t.int({
      nullable: true,
      description: 'Sequence of the earlier transition that this one takes the place of.',
      resolve: ({ correctsSequence }) => correctsSequence,
    }),
    digest: t.expose('digest', {
      type: 'Digest',
      description: 'SHA-256 over this transition and `previousDigest`.',
    }),
    previousDigest: t.expose('previousDigest', {
      type: 'Digest',
      nullable: true,
      description: 'Digest of the preceding transition; null for the first.',
    }),
  }),
});

export const LifecycleTransitionConnection = connectionType(
  LifecycleTransitionRef,
  'LifecycleTransition',
  'lifecycle transitions',
);

builder.objectFields(ModelVersionRef, (t) => ({
  stage: t.field({
    type: LifecycleStageEnum,
    description: 'Current lifecycle stage.',
    complexity: 5,
    resolve: async ({ id }, _, context) =>
      referenced(stageNow(await lifecycleOf(context).load(id))),
  }),
  allowedTransitions: t.field({
    type: [LifecycleStageEnum],
    description: 'Stages that a transition may move to now.',
    complexity: 5,
    resolve: async ({ id }, _, context) => {
      const stage = stageNow(await lifecycleOf(context).load(id));
      return [...TRANSITIONS[referenced(stage)]];
    },
  }),
  stageAt: t.field({
    type: LifecycleStageEnum,
    nullable: true,
    description:
      'Lifecycle stage at an instant, as it was known at another; null before the version was registered.',
    complexity: 5,
    args: {
      at: t.arg({ type: 'DateTime', required: true, description: 'When.' }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'Use only what had been recorded by then; now when omitted.',
      }),
    },
    resolve: async ({ id }, { at, knownAt }, context) =>
      stageAt(await lifecycleOf(context).load(id), at, knownAt ?? undefined),
  }),
  transitions: t.field({
    extensions: needsWithinModels('registry:read'),
    type: LifecycleTransitionConnection,
    description:
      'Lifecycle history in the order of recording; with `effective`, only what still holds, in the order it took effect.',
    complexity: pageCost,
    args: {
      ...pageArguments,
      effective: t.arg.boolean({
        defaultValue: false,
        description: 'Leave out corrected transitions and order by when they took effect.',
      }),
    },
    resolve: async (modelVersion, { effective, ...args }, context) => {
      const facts = await lifecycleOf(context).load(modelVersion.id);
      const shown = effective === true ? effectiveFacts(facts) : facts;
      return pageOfList(
        args,
        shown.map((fact) => ({ ...fact, modelVersion })),
        ({ sequence }) => [String(sequence)],
      );
    },
  }),
  brokenTransitions: t.field({
    type: ['Int'],
    description:
      'Sequences of the lifecycle transitions that break the hash chain: altered, missing or inserted; empty when it is intact.',
    complexity: 5,
    resolve: async ({ id, digest }, _, context) => [
      ...brokenLinks(digest, await lifecycleOf(context).load(id)),
    ],
  }),
}));
