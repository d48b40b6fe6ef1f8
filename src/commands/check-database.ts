import type { Config } from '../config.ts';
import { DatabaseService } from '../database/database-service.ts';
import { expectedNames } from '../database/expected-tables.ts';
import { isUpToDate } from '../database/migrate.ts';
import { StartError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { clusterName, holdsCluster } from '../postgres/embedded/cluster.ts';
import { runningServer } from '../postgres/embedded/server.ts';
import { minuteMs, secondMs } from '../units.ts';
import { type Finding, finding } from './finding.ts';

/** What the collector does to its tables, all of them. */
const wanted = ['select', 'insert', 'update', 'delete'];
const ours = expectedNames.map((name) => `to_regclass('${name}')`).join();

/** What is asked of the server, in one go. */
const question = `
  select current_user as role,
    current_schema() as schema,
    coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
    to_regclass('system_telemetry') is null as is_new,
    (select coalesce(bool_and(pg_has_role(relowner, 'usage')), true) from pg_class
      where oid = any(array[${ours}])) as is_owner,
    array(select relname::text from pg_class, unnest('{${wanted.join()}}'::text[]) as wanted
      where oid = any(array[${ours}]) and not has_table_privilege(oid, wanted)
      group by relname order by relname) as closed,
    pg_is_in_recovery() as is_standby,
    (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
    to_regclass('telemetry_keys')::text as keys_there`;

interface Answer {
  readonly role: string;
  readonly schema: string | null;
  readonly may_create: boolean;
  readonly is_new: boolean;
  /** Of every table of ours that there is. */
  readonly is_owner: boolean;
  /** Tables of ours that it may not use. */
  readonly closed: readonly string[];
  readonly is_standby: boolean;
  readonly now_ms: number;
  readonly keys_there: string | null;
}

/** The database, its privileges and its clock; keys at last, some of which may be in it. */
export async function checkDatabase(
  config: Config,
  logger: Logger,
  checkKeys: (inDatabase: number | undefined) => string,
): Promise<Finding[]> {
  const isEmbedded = config.databaseUrl === '';
  if (isEmbedded && !runningServer(config.dataDirectory)) {
    return [
      await finding('database', () => embedded(config)),
      await finding('key', () => checkKeys(holdsCluster(config.dataDirectory) ? undefined : 0)),
    ];
  }
  let database: DatabaseService | undefined;
  try {
    database = await DatabaseService.join(config, logger, false);
    return await ask(database, checkKeys);
  } catch (error) {
    const failed = await finding('database', () => Promise.reject(error));
    return [failed, await finding('key', () => checkKeys(undefined))];
  } finally {
    await database?.close();
  }
}

async function embedded({ dataDirectory }: Config): Promise<string> {
  clusterName(dataDirectory);
  return holdsCluster(dataDirectory)
    ? `the embedded PostgreSQL in ${dataDirectory}, which is not running`
    : `an embedded PostgreSQL will be created in ${dataDirectory}`;
}

async function ask(
  database: DatabaseService,
  checkKeys: (inDatabase: number | undefined) => string,
): Promise<Finding[]> {
  const warnings = await database.checkServer();
  const askedMs = Date.now();
  const { rows } = await database.query(question);
  const answeredMs = Date.now();
  const answer = rows[0] as Answer;
  const keys = answer.keys_there === null ? 0 : await countKeys(database);
  const isClosed = answer.closed.length > 0 || answer.schema === null;
  const isCurrent = isClosed || answer.is_standby || (await isUpToDate(database.upkeep));
  return [
    await finding('database', () => {
      if (answer.is_standby) throw new StartError('the server is a standby, which takes no data');
      return 'it answers, and its version is supported';
    }),
    ...warnings.map((detail): Finding => ({ subject: 'database', state: 'warning', detail })),
    await finding('privileges', () => privileges(answer, isCurrent)),
    await finding('clock', () => clock(answer.now_ms, askedMs, answeredMs)),
    await finding('key', () => checkKeys(keys)),
  ];
}

/** Undefined where the role may not look: that is said of its privileges. */
async function countKeys(database: DatabaseService): Promise<number | undefined> {
  const count = 'select count(*)::int as count from telemetry_keys where revoked_at is null';
  const { rows } = await database.query(count).catch(() => ({ rows: [] }));
  return rows[0]?.count;
}

function privileges(answer: Answer, isCurrent: boolean): string {
  const { role, schema, may_create, is_new, is_owner, closed } = answer;
  if (schema === null) throw new StartError('no schema of its search_path is there');
  if (closed.length > 0) {
    throw new StartError(
      `${role} may not read and write ${closed.join(', ')}: grant it ${wanted.join(', ')}`,
    );
  }
  if (!isCurrent && !(may_create && is_owner)) {
    throw new StartError(
      `${role} may not ${is_new ? 'create tables' : 'bring the tables up to date'} in the schema ${schema}: ` +
        'grant it create, or run "gravitas-telemetry migrate" as one who may',
    );
  }
  return may_create
    ? `${role} may create tables in ${schema}`
    : `${role} may read and write, and creates nothing: run migrate as the owner, once a week`;
}

/** As far apart as they are at least. */
function clock(databaseMs: number, askedMs: number, answeredMs: number): string {
  const apartMs = Math.max(0, databaseMs - answeredMs, askedMs - databaseMs);
  if (apartMs <= minuteMs) return "it agrees with the database's";
  throw new StartError(
    `this machine's clock and the database's are ${Math.round(apartMs / secondMs)} s apart`,
  );
}
