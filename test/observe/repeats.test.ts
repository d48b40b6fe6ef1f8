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

it('what is no failure is always said', () => {
  for (let index = 0; index < 50; index++) logger.info('listening');
  expect(lines).toHaveLength(50);
});
