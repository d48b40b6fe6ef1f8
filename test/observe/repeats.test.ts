import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/observe/logger.ts';

const lines: Record<string, unknown>[] = [];
const logger = createLogger(
  { level: 'info', format: 'json' },
  { write: (line) => lines.push(JSON.parse(line)) },
);
beforeEach(() => {
  lines.length = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it('what fails again and again is summed up once a minute', () => {
  for (let index = 0; index < 500; index++) {
    logger.error({ err: new Error('no route'), request_id: index }, 'unexpected error');
  }
  logger.error({ err: new Error('another') }, 'unexpected error');
  expect(lines).toHaveLength(11);
  vi.advanceTimersByTime(60_000);
  expect(lines.slice(11)).toMatchObject([
    { level: 40, times: 490, message: 'unexpected error: no route' },
  ]);
  logger.error({ err: new Error('no route') }, 'unexpected error');
  expect(lines).toHaveLength(13);
});

it('what differs by a number or an id alone is the same failure', () => {
  for (let port = 0; port < 200; port++) {
    logger.warn(`no answer from port ${port}`);
    const id = `01a20a68-3aea-7933-b80c-${String(port).padStart(12, 'a')}`;
    logger.error({ err: new Error(`batch ${id} failed`) }, 'drain');
  }
  expect(lines).toHaveLength(20);
});

it('rows that PostgreSQL quotes are not told', () => {
  const detail = 'Failing row contains (1, s3cret).';
  const refused = Object.assign(new Error('violates check constraint "c"'), {
    code: '23514',
    constraint: 'c',
    detail,
    where: `COPY system_telemetry, line 1: "s3cret"`,
  });
  logger.error({ err: refused, batch: 'x' }, 'a batch is put off');
  logger.warn({ err: new Error('database: it failed', { cause: refused }) }, 'wrapped');
  expect(lines).toMatchObject([
    { err: { code: '23514', constraint: 'c', message: expect.stringContaining('violates') } },
    { err: { message: expect.stringContaining('database: it failed') } },
  ]);
  expect(JSON.stringify(lines)).not.toContain('s3cret');
});

it('what is no failure is always said', () => {
  for (let index = 0; index < 50; index++) logger.info('listening');
  expect(lines).toHaveLength(50);
});
