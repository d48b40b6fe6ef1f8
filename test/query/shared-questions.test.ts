import { expect, it } from 'vitest';
import { SharedQuestions } from '../../src/query/ask/shared-questions.ts';
import type { Asker } from '../../src/query/ask/snapshot.ts';

const waits = new AbortController().signal;

/** Answers with how often it was asked, once it is let go; each time it begins where it is told to. */
function counted() {
  const asked: { asker: Asker; go: PromiseWithResolvers<void> }[] = [];
  const answer = async (asker: Asker) => {
    const go = Promise.withResolvers<void>();
    const number = asked.push({ asker, go });
    await go.promise;
    return number;
  };
  return { asked, answer };
}

const settled = () => new Promise(setImmediate);

it('asks what is the same once, until it begins', async () => {
  const shared = new SharedQuestions();
  const { asked, answer } = counted();
  const ask = (name: string) => shared.ask(name, { signal: waits }, answer);
  const first = [ask('one'), ask('one'), ask('other')];
  await settled();
  expect(asked).toHaveLength(2);
  asked[0]?.asker.begins?.();
  const later = ask('one');
  await settled();
  expect(asked).toHaveLength(3);
  for (const { go } of asked) go.resolve();
  expect(await Promise.all([...first, later])).toEqual([1, 1, 2, 3]);
  const again = ask('other');
  await settled();
  asked[3]?.go.resolve();
  expect(await again).toBe(4);
});

it('goes on until everybody has left, and begins anew for whoever comes then', async () => {
  const shared = new SharedQuestions();
  const { asked, answer } = counted();
  const leaving = [new AbortController(), new AbortController()];
  const gone = leaving.map(({ signal }) => shared.ask('one', { signal }, answer));
  // As a snapshot tells it, which is no fault of ours.
  const told = { kind: 'deadline', message: 'whoever asked has left' };
  const left = gone.map((each) => expect(each).rejects.toMatchObject(told));
  await settled();
  leaving[0]?.abort(new Error('left'));
  await left[0];
  expect(asked[0]?.asker.signal.aborted).toBe(false);
  leaving[1]?.abort(new Error('left'));
  await left[1];
  expect(asked[0]?.asker.signal.aborted).toBe(true);
  const next = shared.ask('one', { signal: waits }, answer);
  await settled();
  asked[1]?.go.resolve();
  expect(await next).toBe(2);
});

it('tells everybody of a failure', async () => {
  const shared = new SharedQuestions();
  const fail = () => shared.ask('one', { signal: waits }, () => Promise.reject(new Error('no')));
  const asked = [fail(), fail()];
  for (const each of asked) await expect(each).rejects.toThrow('no');
  expect(await shared.ask('one', { signal: waits }, async () => 'yes')).toBe('yes');
});
