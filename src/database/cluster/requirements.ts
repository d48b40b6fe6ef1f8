import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { createKysely } from '../kysely.ts';
import type { Database } from '../schema.ts';
import { layoutOf } from './layout.ts';
import { askAll, type Node, nodesOf, type Said } from './nodes.ts';

/** What is asked of one server of the cluster, or of all of them together. */
export interface Requirement {
  readonly node: string;
  readonly what: string;
  /** As it is there. */
  readonly is: string;
  readonly needed: string;
  /** What is `failed` keeps the tables from being distributed; a `warning` endangers data. */
  readonly state: 'ok' | 'warning' | 'failed';
}

interface Server {
  readonly postgres: number;
  readonly version: string;
  readonly citus: string;
  readonly databases: number;
  readonly max_prepared_transactions: number;
  readonly max_worker_processes: number;
  readonly max_connections: number;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
}

const setting = (name: string) => `current_setting('${name}') as ${name}`;
const number = (name: string) => `current_setting('${name}')::int as ${name}`;

const question = `
  select current_setting('server_version_num')::int / 10000 as postgres,
    current_setting('server_version') as version,
    (select extversion from pg_extension where extname = 'citus') as citus,
    (select count(*) from pg_database where datallowconn) as databases,
    ${number('max_prepared_transactions')}, ${number('max_worker_processes')},
    ${number('max_connections')}, ${setting('fsync')}, ${setting('full_page_writes')},
    ${setting('synchronous_commit')}`;

/** The oldest Citus that is known to work, and the versions of PostgreSQL. */
const citusMin = 12;
const postgresVersions = { min: 15, max: 18 };
/** One transaction has a prepared one on each worker that it writes to, and waits for it. */
const preparedMin = 50;

/** Everything that is needed of a cluster, as it is. Nothing is changed by asking. */
export async function requirements(db: Kysely<Database>): Promise<Requirement[]> {
  const nodes = await nodesOf(db);
  const said = await askAll<Server>(db, question);
  const servers = said.flatMap(({ row }) => row ?? []);
  const ofNodes = said.flatMap((each) =>
    each.row ? ofServer(each.node, each.row, servers) : [absent(each)],
  );
  return [...ofCluster(nodes, await coordinatorIsHere(db)), ...ofNodes];
}

/** Settings of the servers of a cluster that endanger data, for people; none for plain PostgreSQL. */
export async function clusterWarnings(pool: pg.Pool): Promise<string[]> {
  const db = createKysely(pool);
  if ((await layoutOf(db)).size === 0) return [];
  return (await requirements(db))
    .filter(({ state, is }) => state !== 'ok' && is !== 'none')
    .map(
      ({ node, what, is, needed }) => `${what} of the node ${node} is ${is}: needed is ${needed}`,
    );
}

/** Distributing begins at the coordinator, where all that is not distributed lies. */
async function coordinatorIsHere(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ here: boolean }>`
    select groupid = 0 as here from pg_dist_local_group`.execute(db);
  return rows[0]?.here === true;
}

function ofCluster(nodes: readonly Node[], isHere: boolean): Requirement[] {
  const workers = nodes.filter(({ takesShards, isActive }) => takesShards && isActive);
  const coordinator = nodes.find(({ isCoordinator }) => isCoordinator);
  return [
    {
      node: 'cluster',
      what: 'DATABASE_URL',
      is: isHere ? 'the coordinator' : 'a worker',
      needed: 'the coordinator',
      state: isHere ? 'ok' : 'failed',
    },
    {
      node: 'cluster',
      what: 'coordinator',
      is: coordinator?.name ?? 'unknown to the workers',
      needed: 'known (citus_set_coordinator_host)',
      state: coordinator ? 'ok' : 'failed',
    },
    {
      node: 'cluster',
      what: 'nodes that take shards',
      is: workers.map(({ name }) => name).join(', ') || 'none',
      needed: 'at least one (citus_add_node)',
      state: workers.length > 0 ? 'ok' : 'failed',
    },
  ];
}

const absent = ({ node }: Said<Server>): Requirement => ({
  node,
  what: 'answer',
  is: 'none',
  needed: 'one',
  state: 'failed',
});

function ofServer(node: string, server: Server, all: readonly Server[]): Requirement[] {
  const same = (of: (each: Server) => unknown) => all.every((each) => of(each) === of(server));
  const is = (what: keyof Server, needed: string, state: Requirement['state']) => ({
    node,
    what,
    is: String(server[what] ?? 'none'),
    needed,
    state,
  });
  const or = (otherwise: 'warning' | 'failed', isMet: boolean) => (isMet ? 'ok' : otherwise);
  const { min, max } = postgresVersions;
  const supported = server.postgres >= min && server.postgres <= max;
  const citusMajor = Number.parseInt(server.citus ?? '0', 10);
  const hasCitus = citusMajor >= citusMin && same(({ citus }) => citus);
  return [
    is(
      'version',
      `PostgreSQL ${min} to ${max}, the same on all`,
      or('failed', supported && same(({ postgres }) => postgres)),
    ),
    is('citus', `${citusMin} or later, the same on all`, or('failed', hasCitus)),
    is(
      'max_prepared_transactions',
      `at least ${preparedMin}, better max_connections (${server.max_connections})`,
      or('failed', server.max_prepared_transactions >= preparedMin),
    ),
    is(
      'max_worker_processes',
      `more than its databases (${server.databases})`,
      or('failed', server.max_worker_processes > server.databases),
    ),
    is('fsync', 'on', or('warning', server.fsync === 'on')),
    is('full_page_writes', 'on', or('warning', server.full_page_writes === 'on')),
    is(
      'synchronous_commit',
      'on, or remote_apply',
      or('warning', ['on', 'remote_apply'].includes(server.synchronous_commit)),
    ),
  ];
}
