import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Line } from '../../src/query/ask/line.ts';

const waits = new AbortController().signal;

it('gives turns in the order of asking, and none to whoever has left', async () => {
  const line = new Line({ places: 1, isPressed: () => false });
  const begun: string[] = [];
  const held = Promise.withResolvers<void>();
  const take = (name: string, signal = waits) =>
    line.take(signal, async () => {
      begun.push(name);
      await held.promise;
    });
  const leaving = new AbortController();
  const asked = [take('first'), take('second'), take('third', leaving.signal), take('fourth')];
  expect(begun).toEqual(['first']);
  leaving.abort(new Error('left'));
  await expect(asked[2]).rejects.toThrow('left');
  held.resolve();
  await Promise.all([asked[0], asked[1], asked[3]]);
  expect(begun).toEqual(['first', 'second', 'fourth']);
});

it('hands a turn on after a failure, and takes nobody in who had left before', async () => {
  const line = new Line({ places: 1, isPressed: () => false });
  const failing = line.take(waits, () => Promise.reject(new Error('no')));
  const next = line.take(waits, async () => 'answered');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('answered');
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(line.take(gone, async () => 'never')).rejects.toThrow('gone');
});

describe('while records wait for their writers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A line of three places, and the names of what has begun in it. */
  function pressedLine() {
    const [begun, held] = [[] as string[], new Map<string, () => void>()];
    const state = { isPressed: true };
    const line = new Line({ places: 3, isPressed: () => state.isPressed });
    const take = (name: string) =>
      line.take(waits, async () => {
        begun.push(name);
        await new Promise<void>((resolve) => held.set(name, resolve));
      });
    return { begun, state, take, end: (name: string) => held.get(name)?.() };
  }

  it('works on one after another, and on as many as there are places once they do not', async () => {
    const { begun, state, take, end } = pressedLine();
    const asked = ['first', 'second', 'third', 'fourth', 'fifth'].map(take);
    await vi.advanceTimersByTimeAsync(100);
    expect(begun).toEqual(['first']);
    end('first');
    await asked[0];
    expect(begun).toEqual(['first', 'second']);
    state.isPressed = false;
    end('second');
    await asked[1];
    expect(begun).toEqual(['first', 'second', 'third', 'fourth', 'fifth']);
  });

  it('lets none wait behind a long one for more than two seconds, while there are places', async () => {
    const { begun, take } = pressedLine();
    for (const name of ['long', 'second']) void take(name);
    await vi.advanceTimersByTimeAsync(1900);
    for (const name of ['third', 'fourth']) void take(name);
    expect(begun).toEqual(['long']);
    await vi.advanceTimersByTimeAsync(100);
    expect(begun).toEqual(['long', 'second']);
    await vi.advanceTimersByTimeAsync(2000);
    expect(begun).toEqual(['long', 'second', 'third']);
  });
});
