import { type Fault, felt, lasts } from '../fault.ts';
import { role } from '../postgres.ts';

const on = (run: Fault['run']): Fault => ({ parts: ['postgres'], run });

const settingsAgainstUs = [
  'synchronous_commit = off',
  'default_transaction_read_only = on',
  'default_transaction_isolation = serializable',
  "statement_timeout = '50ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '1ms'",
  "DateStyle = 'German, DMY'",
  'quote_all_identifiers = on',
];

const endPostgres = (signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT') =>
  on(
    felt(['spooled'], async ({ postgres }, random) => {
      await postgres.end(signal);
      await lasts(random);
      await postgres.start();
    }),
  );

const alterDatabase = (begin: string, end: string) =>
  on(
    felt(['spooled'], async ({ postgres }, random) => {
      await postgres.alterDatabase(begin);
      await lasts(random);
      await postgres.alterDatabase(end);
    }),
  );

/** Whether there was one still. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

export const postgresFaults: Readonly<Record<string, Fault>> = {
  'PostgreSQL killed': endPostgres('SIGKILL'),
  'PostgreSQL stopped at once': endPostgres('SIGQUIT'),
  'PostgreSQL restarted': endPostgres('SIGINT'),
  'backend killed': on(async ({ postgres }, random) => {
    const pids = await postgres.backends();
    const isHit = pids.length > 0 && kill(random.pick(pids));
    await lasts(random, 50, 300);
    await postgres.untilAnswering();
    return isHit;
  }),
  'sessions terminated': on(async ({ postgres }) => (await postgres.terminateBackends()) > 0),
  'settings against us': on(async ({ postgres, deliveries }, random) => {
    const { acknowledged } = deliveries.answers;
    for (const setting of settingsAgainstUs) await postgres.alterDatabase(`set ${setting}`);
    await lasts(random);
    await postgres.alterDatabase('reset all');
    return deliveries.answers.acknowledged > acknowledged;
  }),
  'may not write': on(
    felt(['spooled'], async ({ postgres }, random) => {
      const table = random.pick(['system_telemetry', 'usage_stats', 'batch_ledger']);
      await postgres.admin(`revoke insert on ${table} from ${role}`);
      await lasts(random);
      await postgres.admin(`grant insert on ${table} to ${role}`);
    }),
  ),
  'database closed': alterDatabase('allow_connections false', 'allow_connections true'),
  'too many connections': alterDatabase('connection limit 0', 'connection limit -1'),
  'table locked': on(
    felt(['spooled', 'unknown'], ({ postgres }, random) =>
      postgres.session(async (client) => {
        const table = random.pick(['system_telemetry', 'usage_stats', 'batch_ledger']);
        await client.query(
          `begin; lock table ${table} in ${random.pick(['share', 'exclusive'])} mode`,
        );
        await lasts(random, 100, 2500);
        await client.query('rollback');
      }),
    ),
  ),
};
