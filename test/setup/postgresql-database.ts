import pg from 'pg';
import { sqlState } from '../../src/platform/database.ts';

/** A node of a Citus cluster. */
export interface ClusterNode {
  readonly nodename: string;
  readonly nodeport: number;
}

/** A connection of its own, closed after `work`. */
const connected = async <Result>(
  url: string | URL,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> => {
  const client = new pg.Client({ connectionString: String(url) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** Nodes of the Citus cluster whose coordinator is at `url`, that one first; none on plain PostgreSQL. */
export const clusterNodes = (url: string): Promise<readonly ClusterNode[]> =>
  connected(url, async (client) => {
    const extension = await client.query(`SELECT FROM pg_extension WHERE extname = 'citus'`);
    if (extension.rowCount === 0) return [];
    const nodes = await client.query<ClusterNode>(
      'SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid',
    );
    return nodes.rows;
  });

const onNode = (url: string, { nodename, nodeport }: ClusterNode): URL => {
  const location = new URL(url);
  location.hostname = nodename;
  location.port = String(nodeport);
  return location;
};

/** The address of another database on the same server. */
export const databaseAt = (url: string | URL, name: string): string => {
  const location = new URL(url);
  location.pathname = `/${name}`;
  return location.href;
};

const serversOf = (url: string, nodes: readonly ClusterNode[]): readonly (string | URL)[] =>
  nodes.length === 0 ? [url] : nodes.map((node) => onNode(url, node));

/** SQLSTATE of a database that somebody is connected to. */
const IN_USE = '55006';

/** Tries again when a daemon of Citus came back to the database at this moment. */
const whenFree = async (work: () => Promise<unknown>, left = 5): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (left === 1 || sqlState(error) !== IN_USE) throw error;
    await whenFree(work, left - 1);
  }
};

/** Makes a copy of a database, on every node of a cluster; returns its address. */
export const copyDatabase = async (
  url: string,
  name: string,
  template: string,
  nodes: readonly ClusterNode[],
): Promise<string> => {
  for (const server of serversOf(url, nodes)) {
    await connected(server, (client) =>
      whenFree(async () => {
        // What anybody is connected to is not copied, and a daemon of Citus stays connected to what was used.
        if (nodes.length > 0) {
          const ended = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1';
          await client.query(ended, [template]);
        }
        await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
      }),
    );
  }
  return databaseAt(url, name);
};

/** Tells the nodes of a cluster, which all have the database, of each other. */
export const joinNodes = async (
  url: string,
  name: string,
  nodes: readonly ClusterNode[],
): Promise<void> => {
  for (const server of serversOf(url, nodes)) {
    await connected(databaseAt(server, name), (client) => client.query('CREATE EXTENSION citus'));
  }
  await connected(databaseAt(url, name), async (client) => {
    for (const [index, { nodename, nodeport }] of nodes.entries()) {
      const call = index === 0 ? 'citus_set_coordinator_host' : 'citus_add_node';
      await client.query(`SELECT ${call}($1, $2)`, [nodename, nodeport]);
    }
  });
};

export const dropDatabase = async (
  url: string,
  name: string,
  nodes: readonly ClusterNode[],
): Promise<void> => {
  for (const server of serversOf(url, nodes)) {
    await connected(server, (client) =>
      whenFree(() => client.query(`DROP DATABASE ${name} WITH (FORCE)`)),
    );
  }
};
