import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventBatch } from '../support/batches.ts';
import { openSpool } from '../support/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mebibyte = 1024 * 1024;
let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, 'spool');
  mkdirSync(path);
});
afterEach(() => directory.remove());

const open = (bytesMax = 1024 * mebibyte) => openSpool(path, { bytesMax });
const nameOf = (number: number) => `spool-${String(number).padStart(10, '0')}.log.damaged`;
const groupOf = (rows: number) => ({ id: uuidv7(), batches: [eventBatch(rows)] });

function setAside(number: number, bytes: number): void {
  writeFileSync(join(path, nameOf(number)), '');
  truncateSync(join(path, nameOf(number)), bytes);
}

const kept = () => readdirSync(path).filter((name) => name.endsWith('.damaged'));

describe('segments that are set aside (5.11)', () => {
  it('are at most 100, the newest', async () => {
    for (let number = 1; number <= 103; number++) setAside(number, 10);
    const spool = await open();
    expect(kept()).toEqual(Array.from({ length: 100 }, (_, index) => nameOf(index + 4)));
    expect(spool.setAside).toMatchObject({ bytes: 1000, dropped: 3 });
    await spool.close();
  });

  it('have at most 64 MiB, a new one included', async () => {
    setAside(1, 30 * mebibyte);
    setAside(2, 34 * mebibyte);
    writeFileSync(join(path, 'spool-0000000003.log'), 'damaged');
    const spool = await open();
    expect(kept()).toEqual([nameOf(1), nameOf(2)]);
    const segment = await spool.oldest();
    expect(segment?.damaged).toBe(1);
    await segment?.remove();
    expect(kept()).toEqual([nameOf(2), nameOf(3)]);
    expect(spool.setAside).toMatchObject({ bytes: 34 * mebibyte + 7, dropped: 1 });
    await spool.close();
  });

  it('give way to batches, as many as it takes', async () => {
    for (let number = 1; number <= 3; number++) setAside(number, mebibyte);
    const spool = await open(3 * mebibyte);
    await spool.append(groupOf(1));
    await expect.poll(kept).toEqual([nameOf(2), nameOf(3)]);
    await spool.append(groupOf(28_000));
    await expect.poll(kept).toEqual([]);
    await spool.close();
  });

  it('are not given up where that would not be enough', async () => {
    setAside(1, 10);
    const spool = await open(mebibyte);
    await expect(spool.append(groupOf(28_000))).rejects.toMatchObject({ kind: 'overloaded' });
    expect(spool.setAside).toMatchObject({ bytes: 10, dropped: 0 });
    expect(kept()).toEqual([nameOf(1)]);
    await spool.close();
  });

  it('may be taken away by an operator', async () => {
    for (let number = 1; number <= 2; number++) setAside(number, mebibyte);
    const spool = await open(2 * mebibyte);
    unlinkSync(join(path, nameOf(1)));
    await spool.append(groupOf(1));
    expect(spool.setAside).toMatchObject({ bytes: mebibyte, dropped: 0 });
    expect(existsSync(join(path, nameOf(2)))).toBe(true);
    await spool.close();
  });

  it('count against the spool only as long as they are there', async () => {
    const spool = await open();
    await spool.append(groupOf(2));
    await spool.close();
    const [name] = readdirSync(path).filter((each) => each.endsWith('.log'));
    appendFileSync(join(path, name as string), 'torn');
    const { size } = statSync(join(path, name as string));
    const again = await open();
    expect(again.bytes).toBe(size);
    await (await again.oldest())?.remove();
    expect(again.bytes).toBe(0);
    expect(again.setAside).toMatchObject({ bytes: size, dropped: 0 });
    await again.close();
  });
});
