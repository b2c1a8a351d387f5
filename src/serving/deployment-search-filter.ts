import { refuseArguments } from '../platform/bad-user-input.ts';
import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { collectIssues } from '../platform/issues.ts';
import { checkWindow, TimeWindowInput } from '../platform/time-window.ts';
import { ModelVersionReferenceInput } from '../registry/model-version.ts';
import { modelIdOf, modelVersionIdOf } from '../registry/named-in-filter.ts';
import { DeploymentEndReasonEnum, DeploymentRoleEnum } from './deployment-type.ts';
import { EndpointReferenceInput, findEndpoint } from './endpoint.ts';

export const DeploymentSearchFilter = builder.inputType('DeploymentSearchFilter', {
  description:
    'Which deployments to return, by what was believed of them. All given conditions must hold.',
  fields: (t) => ({
    endpoint: t.field({ type: EndpointReferenceInput, description: 'On this endpoint.' }),
    environment: t.string({ description: 'On an endpoint of this environment.' }),
    modelVersion: t.field({ type: ModelVersionReferenceInput, description: 'Of this version.' }),
    model: t.string({ description: 'Of a version of this model.' }),
    roles: t.field({ type: [DeploymentRoleEnum], description: 'Role is one of these.' }),
    endReasons: t.field({
      type: [DeploymentEndReasonEnum],
      description: 'Ended for one of these reasons.',
    }),
    actor: t.string({ description: 'Exactly this actor stated something about it.' }),
    startedAt: t.field({ type: TimeWindowInput, description: 'Began in this window.' }),
    activeDuring: t.field({
      type: TimeWindowInput,
      description: 'Serving at some moment of this window.',
    }),
    isActive: t.boolean({ description: 'Serving now, or not; a retracted one never is.' }),
    recordedAt: t.field({
      type: TimeWindowInput,
      description: 'Something about it was recorded in this window.',
    }),
    isCorrected: t.boolean({ description: 'Whether its start was stated anew after the first.' }),
    includesRetracted: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether to list those that are believed never to have been.',
    }),
  }),
});

export type DeploymentSearch = typeof DeploymentSearchFilter.$inferInput;

const at = (name: string): readonly string[] => ['filter', name];

/** The rows that a filter names; refuses it, naming everything that is wrong. */
export const resolveDeploymentSearch = async (
  database: Database,
  filter: DeploymentSearch,
): Promise<{
  readonly endpointId: number | null;
  readonly versionId: number | null;
  readonly modelId: number | null;
}> => {
  const issues = collectIssues();
  checkWindow(at('startedAt'), filter.startedAt, issues);
  checkWindow(at('activeDuring'), filter.activeDuring, issues);
  checkWindow(at('recordedAt'), filter.recordedAt, issues);
  const [endpoint, modelId, versionId] = await Promise.all([
    filter.endpoint == null ? null : findEndpoint(database, filter.endpoint),
    modelIdOf(database, filter.model, at('model'), issues),
    modelVersionIdOf(database, filter.modelVersion, at('modelVersion'), issues),
  ]);
  if (filter.endpoint != null && endpoint === null) {
    issues.add(at('endpoint'), 'There is no such endpoint.');
  }
  refuseArguments(issues.list);
  return { endpointId: endpoint?.id ?? null, modelId, versionId };
};
