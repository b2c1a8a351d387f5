import { builder } from '../platform/builder.ts';
import type { Database } from '../platform/database.ts';
import { immutableLoader } from '../platform/immutable-cache.ts';

/** A logical serving route, such as `flight-delay` in `production`. */
export interface Endpoint {
  readonly id: number;
  readonly name: string;
  readonly environment: string;
  readonly recordedAt: Date;
}

/** The name people use, such as `production/flight-delay`; an environment holds no slash. */
export const routeOf = ({ environment, name }: { environment: string; name: string }): string =>
  `${environment}/${name}`;

export const endpointById = immutableLoader<number, Endpoint>(
  'Endpoint',
  async ({ prisma }, ids) => {
    const rows = await prisma.endpoint.findMany({ where: { id: { in: [...ids] } } });
    return new Map(rows.map((row) => [row.id, row]));
  },
);

/** Keys are `environment/name`. */
export const endpointByRoute = immutableLoader<string, Endpoint>(
  'Endpoint',
  async ({ prisma }, routes) => {
    const where = routes.map((route) => {
      const slash = route.indexOf('/');
      return { environment: route.slice(0, slash), name: route.slice(slash + 1) };
    });
    const rows = await prisma.endpoint.findMany({ where: { OR: where } });
    return new Map(rows.map((row) => [routeOf(row), row]));
  },
);

export const EndpointRef = builder.objectRef<Endpoint>('Endpoint');

export const EndpointRouteInput = builder.inputType('EndpointRouteInput', {
  description: "An endpoint's name and environment.",
  fields: (t) => ({
    name: t.string({ required: true, description: 'Endpoint name.' }),
    environment: t.string({
      required: true,
      description: 'Deployment environment, such as `production`; without a slash.',
    }),
  }),
});

export const EndpointReferenceInput = builder.inputType('EndpointReference', {
  description: 'A way to name one endpoint.',
  isOneOf: true,
  fields: (t) => ({
    id: t.globalID({ for: EndpointRef, description: 'Global ID.' }),
    route: t.field({ type: EndpointRouteInput, description: 'Name and environment.' }),
  }),
});

export type EndpointReference = typeof EndpointReferenceInput.$inferInput;

/** The endpoint that a reference names; null when there is none. The global ID of an endpoint holds its route. */
export const findEndpoint = (
  database: Database,
  { id, route }: EndpointReference,
): Promise<Endpoint | null> => {
  const key = id?.id ?? (route == null ? null : routeOf(route));
  return key === null ? Promise.resolve(null) : endpointByRoute(database).load(key);
};
