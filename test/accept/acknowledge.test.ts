import { expect, it } from 'vitest';
import { acknowledgeInOrder } from '../../src/accept/acknowledge.ts';

const turn = () => new Promise(setImmediate);
const forever = new AbortController().signal;

/** A stream of lists, whose messages are acknowledged, or find room, when the test says so. */
function start(lists: readonly (readonly number[])[], withoutRoom: readonly number[] = []) {
  const taken: number[] = [];
  const acks = Array.from({ length: lists.flat().length }, () => Promise.withResolvers<string>());
  const rooms = new Map(withoutRoom.map((each) => [each, Promise.withResolvers<void>()]));
  async function* messages() {
    yield* lists;
  }
  const handle = (message: number, sequence: number) => {
    taken.push(message);
    const ack = { ack: acks[sequence]?.promise as Promise<string> };
    return rooms.get(message)?.promise.then(() => ack) ?? ack;
  };
  const options = { inFlightMax: 3, signal: forever, shutdown: forever };
  const answers = acknowledgeInOrder(messages(), handle, options);
  const acknowledge = (message: number) => acks[message]?.resolve(`ack ${message}`);
  const fail = (message: number) => acks[message]?.reject(new Error(`no ${message}`));
  return {
    taken,
    answers,
    acknowledge,
    fail,
    giveRoom: (message: number) => rooms.get(message)?.resolve(),
  };
}

it('reads no further than so many that are not acknowledged, however long the lists are', async () => {
  const { taken, answers, acknowledge } = start([[0, 1], [2, 3, 4, 5], [6]]);
  const first = answers.next();
  await turn();
  expect(taken).toEqual([0, 1, 2]);
  acknowledge(1);
  await turn();
  expect(taken).toEqual([0, 1, 2]);
  acknowledge(0);
  expect((await first).value).toEqual(['ack 0', 'ack 1']);
  const second = answers.next();
  await turn();
  expect(taken).toEqual([0, 1, 2, 3, 4]);
  for (const message of [2, 3, 4, 5, 6]) acknowledge(message);
  const rest = [...(await second).value];
  for await (const some of answers) rest.push(...some);
  expect(rest).toEqual([2, 3, 4, 5, 6].map((message) => `ack ${message}`));
});

it('reads nothing more while there is no room for one, and acknowledges those before it', async () => {
  const { taken, answers, acknowledge, giveRoom } = start([[0, 1, 2]], [1]);
  const first = answers.next();
  acknowledge(0);
  expect((await first).value).toEqual(['ack 0']);
  const second = answers.next();
  await turn();
  expect(taken).toEqual([0, 1]);
  giveRoom(1);
  await turn();
  expect(taken).toEqual([0, 1, 2]);
  acknowledge(2);
  acknowledge(1);
  expect((await second).value).toEqual(['ack 1', 'ack 2']);
  expect((await answers.next()).done).toBe(true);
});

it('acknowledges what came before one that fails, and nothing behind it', async () => {
  const { answers, acknowledge, fail } = start([[0, 1, 2]]);
  const first = answers.next();
  await turn();
  acknowledge(2);
  fail(1);
  await turn();
  acknowledge(0);
  expect((await first).value).toEqual(['ack 0']);
  await expect(answers.next()).rejects.toThrow('no 1');
});
