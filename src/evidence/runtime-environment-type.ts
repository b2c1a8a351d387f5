import { builder } from '../platform/builder.ts';
import { IMMUTABLE } from '../platform/immutable-type.ts';
import { needsWithinModels } from '../platform/needs.ts';
import { ContentAddressedRef, findableByDigest, shortDigest } from './content-addressed.ts';
import { LineageNodeRef } from './lineage-node.ts';
import {
  RuntimeEnvironmentRef,
  type RuntimePackage,
  runtimeEnvironmentByDigest,
} from './runtime-environment.ts';

const PackageRef = builder.objectRef<RuntimePackage>('Package').implement({
  description: 'One installed package.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'Package URL without version, such as `pkg:pypi/numpy`.',
    }),
    version: t.exposeString('version', { description: 'Exact version.' }),
    purl: t.exposeString('purl', {
      description: 'Canonical package URL, such as `pkg:pypi/numpy@2.1.0`.',
    }),
  }),
});

findableByDigest((database, digest) => runtimeEnvironmentByDigest(database).load(digest));

builder.node(RuntimeEnvironmentRef, {
  extensions: { ...needsWithinModels('registry:read'), ...IMMUTABLE },
  description: 'A software and hardware environment.',
  interfaces: [ContentAddressedRef, LineageNodeRef],
  id: { resolve: ({ digest }) => digest, description: 'Opaque global ID.' },
  loadOne: (digest: string, { database }) => runtimeEnvironmentByDigest(database).load(digest),
  fields: (t) => ({
    displayName: t.string({
      description: 'Interpreter and abbreviated digest.',
      resolve: ({ runtime, digest }) => `${runtime} (${shortDigest(digest)})`,
    }),
    imageDigest: t.expose('imageDigest', {
      type: 'Digest',
      nullable: true,
      description: 'Digest of the container image; null when none was used.',
    }),
    runtime: t.exposeString('runtime', {
      description: 'Interpreter and version, such as `cpython 3.12.4`.',
    }),
    platform: t.exposeString('platform', {
      description: 'Operating system and architecture, such as `linux/amd64`.',
    }),
    accelerator: t.exposeString('accelerator', {
      nullable: true,
      description: 'Accelerator and driver, such as `cuda 12.6`; null for none.',
    }),
    threads: t.exposeInt('threads', {
      nullable: true,
      description: 'Threads that inference uses; null when not stated.',
    }),
    packages: t.field({
      type: [PackageRef],
      description: 'Installed packages, by package URL.',
      resolve: ({ packages }) => [...packages],
    }),
  }),
});
