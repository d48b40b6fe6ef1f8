import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FailedAttempts } from '../../src/admin/failed-attempts.ts';
import { silentLogger } from '../support/logger.ts';

const [perMinuteMax, minuteMs, addressesMax] = [2, 60_000, 10_000];
let attempts: FailedAttempts;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  attempts = new FailedAttempts(perMinuteMax, silentLogger);
});
afterEach(() => {
  vi.useRealTimers();
});

const fail = (address: string) => attempts.fail(address, 'a test').kind;
/** Uses up what an address may. */
function block(address: string): void {
  for (let sent = 0; sent < perMinuteMax; sent++) expect(fail(address)).toBe('unauthenticated');
  expect(fail(address)).toBe('overloaded');
}
const others = (count: number) => Array.from({ length: count }, (_, at) => `address ${at}`);

it('are counted by the network of whoever has an IPv6 address, and by the address of others', () => {
  block('2001:db8:1:2::1');
  expect(fail('2001:db8:1:2:3:4:5:6')).toBe('overloaded');
  expect(fail('2001:db8:1:3::1')).toBe('unauthenticated');
  block('::ffff:10.0.0.1');
  expect(fail('::ffff:10.0.0.2')).toBe('unauthenticated');
});

it('are forgotten a minute after the first', () => {
  block('10.0.0.1');
  vi.advanceTimersByTime(minuteMs - 1);
  expect(fail('10.0.0.1')).toBe('overloaded');
  vi.advanceTimersByTime(1);
  block('10.0.0.1');
});

it('are remembered of so many addresses, of which the one goes that began first', () => {
  fail('10.0.0.1');
  for (const address of others(addressesMax - 1)) fail(address);
  vi.advanceTimersByTime(minuteMs);
  block('10.0.0.1');
  fail('10.0.0.2');
  expect(fail('10.0.0.1')).toBe('overloaded');
  for (const address of others(addressesMax)) fail(address);
  expect(fail('10.0.0.1')).toBe('unauthenticated');
});
