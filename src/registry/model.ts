import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';
import { needs, needsModel, needsWithinModels } from '../platform/needs.ts';
import {
  connectionType,
  pageArguments,
  pageCost,
  pageOf,
  pageRequest,
} from '../platform/pagination.ts';
import { type Model, ModelVersionRef, modelVersionByRelease } from './model-version.ts';

export const modelByName = immutableLoader<string, Model>('Model', async ({ prisma }, names) => {
  const rows = await prisma.model.findMany({ where: { name: { in: [...names] } } });
  return new Map(rows.map((row) => [row.name, row]));
});

export const ModelRef = builder.objectRef<Model>('Model');

builder.node(ModelRef, {
  extensions: needsModel(({ name }: Model) => name, 'registry:read'),
  description: 'A named line of model versions.',
  id: { resolve: ({ name }) => name, description: 'Opaque global ID.' },
  loadOne: (name: string, { database }) => modelByName(database).load(name),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique name, such as `flight-delay`.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What the model predicts and for whom.',
    }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When the model was first registered.',
    }),
    version: t.field({
      type: ModelVersionRef,
      nullable: true,
      description: 'The version with this semantic version, if there is one.',
      complexity: 5,
      args: {
        semver: t.arg({ type: 'SemVer', required: true, description: 'Semantic version.' }),
      },
      resolve: ({ name }, { semver }, { database }) =>
        modelVersionByRelease(database).load(`${name}@${semver}`),
    }),
  }),
});

const ModelConnection = connectionType(ModelRef, 'Model', 'models');

const modelsPage = async ({ prisma }: Database, args: Parameters<typeof pageRequest>[0]) => {
  const request = pageRequest(args);
  const [name] = request.from ?? [];
  const rows = await prisma.model.findMany({
    ...(name === undefined
      ? {}
      : { where: { name: request.isBackward ? { lt: name } : { gt: name } } }),
    orderBy: { name: request.isBackward ? 'desc' : 'asc' },
    take: request.limit + 1,
  });
  return pageOf(request, rows, (model) => [model.name]);
};

builder.queryFields((t) => ({
  model: t.field({
    extensions: needsWithinModels('registry:read'),
    type: ModelRef,
    nullable: true,
    description: 'A model by name.',
    complexity: 5,
    args: { name: t.arg.string({ required: true, description: 'Name of the model.' }) },
    resolve: (_, { name }, { database }) => modelByName(database).load(name),
  }),
  models: t.field({
    extensions: needs('registry:read'),
    type: ModelConnection,
    nullable: true,
    description: 'All models, by name in byte order.',
    complexity: pageCost,
    args: pageArguments,
    resolve: (_, args, { database }) => modelsPage(database, args),
  }),
}));
