import type { ArchiveStore } from './archive-store.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { Database } from './database.ts';
import type { Signer } from './signed-note.ts';

/** What a caller may do. */
export type Scope =
  | 'registry:read'
  | 'registry:write'
  | 'deployments:write'
  | 'predictions:read'
  | 'predictions:write'
  | 'features:sensitive'
  | 'evidence:erase'
  | 'admin';

/** Who asks. */
export interface Actor {
  /** Recorded as the author of facts. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** What every resolver sees. One object a request, so per-request caches hang on it. */
export interface Context {
  readonly database: Database;
  readonly actor: Actor;
  /** Files of model versions, to run them again. */
  readonly artifacts: ArtifactStore;
  /** Files of archived predictions; where it is not given they cannot be read. */
  readonly archive?: ArchiveStore;
  /** Base address of an Open Inference Protocol V2 server; null when there is none. */
  readonly inferenceUrl: string | null;
  /** Signs checkpoints and dossiers; null where nothing is sealed. */
  readonly signer: Signer | null;
  /** Aborted when the server stops: what waits for something ends then. */
  readonly stopping?: AbortSignal;
}

/** The one who works on this machine, through the command line or the loopback interface: may do everything. */
export const localActor = (name: string): { name: string } & Actor => ({
  name,
  scopes: new Set<Scope>([
    'registry:read',
    'registry:write',
    'deployments:write',
    'predictions:read',
    'predictions:write',
    'features:sensitive',
    'evidence:erase',
    'admin',
  ]),
});

/** Something made once a request, such as a loader of histories: those may change between requests. */
export const perRequest = <Value>(
  make: (context: Context) => Value,
): ((context: Context) => Value) => {
  const made = new WeakMap<Context, Value>();
  return (context) => {
    const existing = made.get(context);
    if (existing !== undefined) return existing;
    const value = make(context);
    made.set(context, value);
    return value;
  };
};
