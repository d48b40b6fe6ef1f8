import { describe, expect, it } from 'vitest';
import { Health, type Readiness } from '../../src/observe/health.ts';

async function take(watch: AsyncGenerator<Readiness>): Promise<boolean | undefined> {
  const { value, done } = await watch.next();
  return done ? undefined : value.ready;
}

describe('readiness', () => {
  it('is there as long as nothing is in the way', () => {
    const health = new Health();
    expect(health.readiness).toEqual({ ready: true, reasons: [] });
    health.report('database', 'connection refused');
    health.report('schema', 'not up to date yet');
    expect(health.readiness).toEqual({
      ready: false,
      reasons: ['database: connection refused', 'schema: not up to date yet'],
    });
    expect(health.isWell('database')).toBe(false);
    health.report('database', undefined);
    expect(health.readiness.reasons).toEqual(['schema: not up to date yet']);
    expect(health.isWell('database')).toBe(true);
    health.report('schema', undefined);
    expect(health.readiness).toEqual({ ready: true, reasons: [] });
  });

  it('tells the present reason of each part', () => {
    const health = new Health();
    health.report('database', 'connection refused');
    health.report('database', 'no answer within 2000 ms');
    expect(health.readiness.reasons).toEqual(['database: no answer within 2000 ms']);
  });
});

describe('watching', () => {
  it('gives the present state, then every change of it, and ends with the signal', async () => {
    const health = new Health();
    const end = new AbortController();
    const watch = health.watch(end.signal);
    expect(await take(watch)).toBe(true);
    health.report('database', 'gone');
    health.report('schema', 'gone too');
    expect(await take(watch)).toBe(false);
    health.report('database', undefined);
    const next = take(watch);
    health.report('schema', undefined);
    expect(await next).toBe(true);
    end.abort();
    expect(await take(watch)).toBeUndefined();
  });

  it('misses nothing while nobody asks', async () => {
    const health = new Health();
    const watch = health.watch(new AbortController().signal);
    expect(await take(watch)).toBe(true);
    health.report('database', 'gone');
    expect(await take(watch)).toBe(false);
    await watch.return(undefined);
  });

  it('tells everybody', async () => {
    const health = new Health();
    const { signal } = new AbortController();
    const watches = Array.from({ length: 20 }, () => health.watch(signal));
    expect(new Set(await Promise.all(watches.map(take)))).toEqual(new Set([true]));
    const next = watches.map(take);
    health.report('database', 'gone');
    expect(new Set(await Promise.all(next))).toEqual(new Set([false]));
  });

  it('is over at once when its signal has come already', async () => {
    const watch = new Health().watch(AbortSignal.abort());
    expect(await take(watch)).toBeUndefined();
  });
});
