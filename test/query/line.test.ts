import { expect, it } from 'vitest';
import { Line } from '../../src/query/ask/line.ts';

const waits = new AbortController().signal;

it('gives turns in the order of asking, and none to whoever has left', async () => {
  const line = new Line(1);
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
  const line = new Line(1);
  const failing = line.take(waits, () => Promise.reject(new Error('no')));
  const next = line.take(waits, async () => 'answered');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('answered');
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(line.take(gone, async () => 'never')).rejects.toThrow('gone');
});
