import type { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { EmbeddedPostgres, runningServer } from '../../src/postgres/embedded/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Whether the system starts a process that is wanted of it. */
const system = vi.hoisted(() => ({ hasRoom: true }));
vi.mock('node:child_process', async (original) => {
  const actual = await original<typeof import('node:child_process')>();
  const limited = (program: string, ...rest: unknown[]) =>
    (actual.spawn as (...all: unknown[]) => unknown)(
      system.hasRoom ? program : '/nowhere/nothing',
      ...rest,
    );
  return { ...actual, spawn: limited as typeof spawn };
});

it('is started again when the system has room for it, and nothing ends meanwhile', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  const embedded = await EmbeddedPostgres.start(data, logger);
  const before = embedded.pid as number;
  system.hasRoom = false;
  process.kill(before, 'SIGQUIT');
  const refused = () => lines.filter((line) => line.includes('ENOENT')).length;
  await expect.poll(refused, { timeout: 20_000 }).toBeGreaterThan(1);
  system.hasRoom = true;
  await expect.poll(() => runningServer(data), { timeout: 20_000 }).toBeDefined();
  expect(embedded.pid).not.toBe(before);
  await embedded.stop();
  directory.remove();
}, 60_000);
