import type { Command } from 'commander';
import { Registry } from 'prom-client';
import { Audit } from '../admin/audit.ts';
import { DeadLetters } from '../admin/dead-letters.ts';
import { Writer } from '../commit/writer.ts';
import { bookkeepingOf } from './bookkeeping.ts';
import { command, commandGroup, type Run } from './command.ts';
import { onDatabase, operator } from './on-database.ts';
import type { Report } from './report.ts';

const lettersMax = 1000;

const onDeadLetters = (
  work: (letters: DeadLetters, ids: readonly string[]) => Promise<Report>,
  audited?: string,
): Run =>
  onDatabase(async (database, { args: ids, config, logger }) => {
    if (audited) {
      const audit = new Audit(database.upkeepDb, logger);
      await audit.record(operator(), audited, { ids });
    }
    const writer = new Writer(database.writers);
    const books = bookkeepingOf(database, config);
    return await work(new DeadLetters(database.upkeepDb, writer, books, new Registry()), ids);
  });

const list = onDeadLetters(async (deadLetters) => {
  const { letters, total } = await deadLetters.list(lettersMax);
  const rows = letters.map(({ payload: _, ...letter }) => letter);
  return { json: { dead_letters: rows, total }, shown: [rows, `${total} dead letters`] };
});

const show = onDeadLetters(async (deadLetters, ids) => {
  const found = await deadLetters.find(ids);
  const missing = ids.filter((id) => !found.some((letter) => letter.id === id.toLowerCase()));
  return {
    json: { dead_letters: found, missing },
    shown: found.map((letter) => JSON.stringify(letter, null, 2)),
    notes: missing.length > 0 ? [`there is no dead letter ${missing.join(', ')}`] : [],
    failed: missing.length > 0,
  };
});

const replay = onDeadLetters(async (deadLetters, ids) => {
  let replayed = 0;
  const failures: { id: string; reason: string }[] = [];
  for await (const some of idsOrAll(deadLetters, ids)) {
    const result = await deadLetters.replay(some);
    failures.push(...result.failures);
    replayed += result.replayed;
  }
  return {
    json: { replayed, failures },
    notes: failures.map(({ id, reason }) => `${id}: ${reason}`),
    shown: [`${replayed} replayed, ${failures.length} not`],
    failed: failures.length > 0,
  };
}, 'dead letters replayed');

const drop = onDeadLetters(async (deadLetters, ids) => {
  let dropped = 0;
  for await (const some of idsOrAll(deadLetters, ids)) dropped += await deadLetters.drop(some);
  return { json: { dropped }, shown: [`${dropped} dropped`] };
}, 'dead letters dropped');

async function* idsOrAll(
  deadLetters: DeadLetters,
  ids: readonly string[],
): AsyncGenerator<readonly string[]> {
  if (ids.join() === 'all') yield* deadLetters.all();
  else yield ids;
}

export const deadLetterCommands = (): Command =>
  commandGroup('dead-letters', 'rows that PostgreSQL refused', [
    command('list', 'the newest 1000, and how many there are', list),
    command('show <id...>', 'what is in them', show),
    command('replay <id...>', 'store them after all; "all" for all', replay),
    command('drop <id...>', 'forget them for good; "all" for all', drop),
  ]);
