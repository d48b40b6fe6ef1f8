import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskReserve } from '../../src/buffer/spool/disk-reserve.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const moreThanAnyDisk = 2 ** 52;

describe('the reserve of a disk (3.3)', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => directory.remove());

  async function reserveOf(bytes: number): Promise<DiskReserve> {
    const reserve = new DiskReserve(directory.path, bytes);
    await reserve.ask();
    return reserve;
  }

  it('is touched where less than it is free', async () => {
    expect((await reserveOf(1)).isLow).toBe(false);
    expect((await reserveOf(moreThanAnyDisk)).isLow).toBe(true);
  });

  it('is touched by a burst before the disk is looked at again', async () => {
    const reserve = await reserveOf(1);
    reserve.take(moreThanAnyDisk);
    expect(reserve.isLow).toBe(true);
    await reserve.ask();
    expect(reserve.isLow).toBe(false);
  });

  it('may be nothing', async () => {
    const reserve = await reserveOf(0);
    reserve.take(moreThanAnyDisk);
    expect(reserve.isLow).toBe(false);
  });
});
