import cluster from 'node:cluster';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { Supervisor } from '../../src/processes/supervisor.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const { execPath } = process;
const directory = temporaryDirectory();
/** A process that is ready at once, and serves nothing. */
const idle = join(directory.path, 'idle.cjs');
writeFileSync(
  idle,
  `process.on('message', ({ type }) => {
     if (type === 'stop') process.exit();
     if (type !== 'begin') return;
     for (const milestone of ['listening', 'ready']) {
       process.send({ type: 'reached', milestone, port: 1 });
     }
   });
   process.send({ type: 'hello' });`,
);
cluster.setupPrimary({ exec: idle, execArgv: [], silent: true });
afterEach(() => {
  process.execPath = execPath;
});

const lines: string[] = [];
const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });

it('tries again where the system starts no process, and leaves the others alone', async () => {
  const supervisor = new Supervisor({ processes: 2, logger });
  supervisor.start();
  expect(await supervisor.ready).toBe(1);
  const pids = () => Object.values(cluster.workers ?? {}).map((worker) => worker?.process.pid);
  const [first, second] = pids();
  process.execPath = join(directory.path, 'nothing');
  process.kill(first as number, 'SIGKILL');
  await expect.poll(() => lines.filter((line) => line.includes('ENOENT')).length).toBe(2);
  expect(pids()).toContain(second);
  process.execPath = execPath;
  const running = () => pids().filter((pid) => pid !== undefined && pid !== first);
  await expect.poll(running, { timeout: 10_000 }).toHaveLength(2);
  await supervisor.stop(10_000);
});

it('says where none can be started, and stops all the same', async () => {
  process.execPath = join(directory.path, 'nothing');
  const supervisor = new Supervisor({ processes: 2, logger });
  supervisor.start();
  await expect(supervisor.ready).rejects.toThrow('all 2 processes ended before they could listen');
  await supervisor.stop(10_000);
});
