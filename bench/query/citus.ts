import { parseArgs } from 'node:util';
import pg from 'pg';
import { DatabaseService } from '../../src/database/database-service.ts';
import { CitusDatabases } from '../../test/support/citus.ts';
import { runCommand } from '../../test/support/command.ts';
import { testConfig } from '../../test/support/config.ts';
import { silentLogger } from '../../test/support/logger.ts';
import { type CollectorProcess, spawnCollector } from '../../test/support/process.ts';
import { generate } from './generate.ts';
import { questions } from './questions.ts';
import { at, row, warmTimes } from './report.ts';

/**
 * How long what dashboards ask takes, warm, of a database of the coordinator that CITUS_URL names,
 * and of one with the same rows on the workers of that cluster. Prints a table in Markdown.
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    usage: { type: 'string', default: '100000' },
    days: { type: 'string', default: '30' },
    shards: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '7' },
  },
});
const amount = {
  events: Number(values.events),
  usage: Number(values.usage),
  days: Number(values.days),
};
/** A part of the rounds on one side, then on the other: what the machine does besides meets both. */
const turns = 2;

const url = process.env.CITUS_URL ?? '';
if (url === '') throw new Error('CITUS_URL names no coordinator of a Citus cluster');
const databases = await CitusDatabases.open(url);
const kinds = ['plain', 'distributed'] as const;
const names = kinds.map((kind) => `questions_${kind}_${process.pid}`);
const collectors: CollectorProcess[] = [];
try {
  for (const [index, kind] of kinds.entries()) {
    await fill(kind, names[index] as string);
    const DATABASE_URL = databases.urlOf(names[index] as string);
    collectors.push(await spawnCollector({ DATABASE_URL, TELEMETRY_QUERY_MS_MAX: '60000' }));
  }
  await ask();
} finally {
  for (const collector of collectors) await collector.end('SIGTERM');
  for (const name of names) await databases.drop(name);
}

async function fill(kind: (typeof kinds)[number], name: string): Promise<void> {
  await (kind === 'plain' ? databases.createPlain(name) : databases.create(name));
  const DATABASE_URL = databases.urlOf(name);
  const database = await DatabaseService.open(testConfig({ DATABASE_URL }), silentLogger);
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  await database.migrate();
  await generate(database, client, amount, Number(values.seed));
  if (kind === 'distributed') {
    const args = ['distribute', '--shards', values.shards];
    const { code, stdout, stderr } = await runCommand(args, { DATABASE_URL });
    if (code !== 0) throw new Error(`${stdout}${stderr}`);
    await client.query('analyze');
  }
  await client.end();
  await database.close();
}

async function ask(): Promise<void> {
  console.log(row(['question', 'plain: p50, ms', 'distributed: p50, ms', 'ratio', 'by']));
  console.log(row(['---', '---:', '---:', '---:', '---']));
  for (const [name, question] of Object.entries(questions)) {
    const times: number[][] = kinds.map(() => []);
    let answeredBy = '';
    for (let turn = 0; turn < turns; turn++) {
      for (const [index, { baseUrl }] of collectors.entries()) {
        const address = `${baseUrl}/v1/telemetry/${question.ask}`;
        const warm = await warmTimes(address, Number(values.rounds) / turns, () => 0);
        times[index]?.push(...warm.times);
        answeredBy = warm.by;
      }
    }
    const [plain, distributed] = times.map((each) =>
      at(
        each.toSorted((a, b) => a - b),
        0.5,
      ),
    );
    const ratio = (Number(distributed) / Number(plain)).toFixed(1);
    console.log(row([name, plain as string, distributed as string, ratio, answeredBy]));
  }
}
