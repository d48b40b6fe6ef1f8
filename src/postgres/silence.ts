import type { Logger } from '../observe/logger.ts';
import type { Client } from './client.ts';

/**
 * Looks after connections on which the database may be at work for long, such as those that make
 * indexes: where an answer is due and nothing has moved for `ms`, another connection asks whether
 * the server is at it. If it is not, or does not answer that either, the connection is given up,
 * and what it holds in the server is let go of.
 */
export function watchSilence(
  client: Client,
  ms: number,
  connectAnother: () => Client,
  logger: Logger,
): void {
  let movedBefore = -1;
  let asking = false;
  const timer = setInterval(async () => {
    const { bytesMoved } = client;
    const silent = client.isBusy && bytesMoved === movedBefore;
    movedBefore = bytesMoved;
    if (!silent || asking) return;
    asking = true;
    const atWork = await isAtWork(client.name, ms, connectAnother());
    asking = false;
    if (atWork || client.bytesMoved !== bytesMoved) return;
    logger.warn({ connection: client.name }, 'a database connection owes an answer and is silent');
    client.giveUp(new Error(`the database has been silent for ${ms} ms, and is not at work`));
  }, ms);
  timer.unref();
  client.once('end', () => clearInterval(timer));
}

/**
 * A coordinator of Citus that waits for its workers looks as if it waited for us, as it does only
 * while we copy.
 */
const waitsForWorkers = `(wait_event = 'ClientRead' and query !~* '\\mcopy\\M'
  and to_regclass('pg_catalog.pg_dist_partition') is not null)`;

/** Whether the server is busy with something other than talking to us; what is not, is ended there. */
async function isAtWork(name: string, ms: number, another: Client): Promise<boolean> {
  another.on('error', () => {});
  const late = setTimeout(() => another.giveUp(new Error(`no answer within ${ms} ms`)), ms);
  try {
    await another.connect();
    const { rows } = await another.query(
      `select case when state = 'active'
           and (wait_event_type is distinct from 'Client' or ${waitsForWorkers}) then 'at work'
         else pg_terminate_backend(pid)::text end as outcome
       from pg_stat_activity where application_name = $1`,
      [name],
    );
    return rows.some(({ outcome }) => outcome === 'at work');
  } catch {
    return false;
  } finally {
    clearTimeout(late);
    another.end().catch(() => {});
  }
}
