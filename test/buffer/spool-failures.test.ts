import { appendFileSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch, Group } from '../../src/buffer/batch.ts';
import { CommitOrSpool } from '../../src/buffer/fallback.ts';
import { Outage } from '../../src/buffer/outage.ts';
import { Health } from '../../src/observe/health.ts';
import { eventBatch } from '../support/batches.ts';
import { openSpool } from '../support/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, 'spool');
});
afterEach(() => directory.remove());

const open = (bytesMax?: number) => openSpool(path, bytesMax === undefined ? {} : { bytesMax });
const groupOf = (...batches: Batch[]) => ({ id: uuidv7(), batches });

describe('spool', () => {
  it('refuses as retryable where no segment can be created, and goes on later', async () => {
    const spool = await open();
    renameSync(path, `${path}.away`);
    await expect(spool.append(groupOf(eventBatch(1)))).rejects.toMatchObject({
      kind: 'retryable',
    });
    renameSync(`${path}.away`, path);
    await spool.append(groupOf(eventBatch(1)));
    expect((await spool.oldest())?.batches).toHaveLength(1);
    await spool.close();
  });

  it('waits for a directory that is away, or is another, and forgets nothing of it (5.5)', async () => {
    const spool = await open();
    await spool.append(groupOf(eventBatch(1)));
    const drained = await spool.oldest();
    await spool.append(groupOf(eventBatch(2)));
    renameSync(path, `${path}.away`);
    await drained?.remove();
    for (let tries = 0; tries < 5; tries++) {
      await expect(spool.oldest()).rejects.toMatchObject({ code: 'ENOENT' });
    }
    mkdirSync(path);
    for (let tries = 0; tries < 5; tries++) {
      await expect(spool.oldest()).rejects.toMatchObject({ code: 'ENOENT' });
    }
    await spool.tidy();
    rmdirSync(path);
    expect(spool.concern).toMatch(/1 drained segments can't be deleted/);
    renameSync(`${path}.away`, path);
    await spool.tidy();
    expect(spool.concern).toBeUndefined();
    const last = await spool.oldest();
    expect(last).toMatchObject({ damaged: 0, batches: [{ rows: { event: { count: 2 } } }] });
    await last?.remove();
    expect(readdirSync(path).filter((name) => name.includes('.log'))).toEqual([]);
    await spool.close();
  });

  it('drains a full segment only when it is written to its end (5.3, 5.6)', async () => {
    const spool = await open();
    await spool.append(groupOf(eventBatch(1)));
    const large = groupOf(eventBatch(100_000));
    const appended = [spool.append(large)];
    await setImmediate();
    // This one finds the segment full, and has it closed, which waits for what is being written.
    appended.push(spool.append(groupOf(eventBatch(1))));
    const segment = await spool.oldest();
    expect(segment).toMatchObject({ damaged: 0, batches: [{}, { id: large.batches[0]?.id }] });
    await Promise.all(appended);
    await spool.close();
  });

  it('never sets a damaged segment aside in place of another (5.5)', async () => {
    for (let count = 1; count <= 2; count++) {
      const spool = await open();
      await spool.append(groupOf(eventBatch(1)));
      await spool.close();
      const [name] = readdirSync(path).filter((each) => each.endsWith('.log'));
      appendFileSync(join(path, name as string), 'torn');
      const again = await open();
      await (await again.oldest())?.remove();
      await again.close();
      expect(readdirSync(path).filter((each) => each.endsWith('.damaged'))).toHaveLength(count);
    }
  });
});

it('says that the outcome is not known where a commit is left behind and the spool is full (3.3)', async () => {
  const spool = await open(0);
  const never = () => new Promise<never>(() => {});
  const outage = new Outage(never, new Health());
  const fallback = new CommitOrSpool(never, spool, outage, { sharesDisk: false });
  const store = (group: Group) => fallback.store(group, 10);
  await expect(store(groupOf(eventBatch(1)))).rejects.toMatchObject({ kind: 'retryable' });
  // Without a try there is no doubt.
  await expect(store(groupOf(eventBatch(1)))).rejects.toMatchObject({ kind: 'overloaded' });
  await spool.close();
});
