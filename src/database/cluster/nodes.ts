import { type Kysely, sql } from 'kysely';
import { StartError } from '../../errors.ts';
import type { Database } from '../schema.ts';

/** A server of a Citus cluster. */
export interface Node {
  readonly name: string;
  readonly isCoordinator: boolean;
  readonly takesShards: boolean;
  readonly isActive: boolean;
}

/** What one server says; undefined where it does not answer, and `failure` says why. */
export interface Said<Row> {
  readonly node: string;
  readonly row: Row | undefined;
  readonly failure?: string;
}

export async function nodesOf(db: Kysely<Database>): Promise<Node[]> {
  const { rows } = await sql<Node>`
    select nodename || ':' || nodeport as name, groupid = 0 as "isCoordinator",
      shouldhaveshards as "takesShards", isactive as "isActive"
    from pg_dist_node where noderole = 'primary' order by groupid, nodeid`.execute(db);
  return rows;
}

/**
 * Asks every server the same: a query of one row, as text that needs no quoting. In a transaction of
 * its own, which has no other statements: one server that is away would end that.
 */
export async function askAll<Row>(db: Kysely<Database>, query: string): Promise<Said<Row>[]> {
  const asJson = `select to_json(answer)::text from (${query}) as answer`;
  const { rows } = await sql<{ node: string; success: boolean; result: string }>`
    select nodename || ':' || nodeport as node, success, result
    from run_command_on_all_nodes(${asJson}, give_warning_for_connection_errors := true)
      join pg_dist_node using (nodeid)
    order by groupid, nodeid`.execute(db);
  return rows.map(({ node, success, result }) =>
    success ? { node, row: JSON.parse(result) as Row } : { node, row: undefined, failure: result },
  );
}

/** The servers that do not answer, for people; undefined where all do. */
export async function absentNodes(db: Kysely<Database>): Promise<string | undefined> {
  const said = await askAll(db, 'select 1 as here');
  const absent = said.filter(({ row }) => row === undefined).map(({ node }) => node);
  if (absent.length === 0) return undefined;
  const are =
    absent.length === 1 ? 'of the cluster does not answer' : 'of the cluster do not answer';
  return `${absent.length === 1 ? 'the node' : 'the nodes'} ${absent.join(', ')} ${are}`;
}

export function onlyClusters(found: boolean): void {
  if (found) return;
  throw new StartError(
    'this database is plain PostgreSQL, without the extension Citus: nothing is to be distributed. On the coordinator of a cluster run "create extension citus" in it, add its workers with citus_add_node, and try again (docs/citus.md)',
  );
}
