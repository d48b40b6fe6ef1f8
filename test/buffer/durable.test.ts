import { readdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isSegment } from '../../src/buffer/spool/files.ts';
import { eventBatch } from '../support/batches.ts';
import { openSpool } from '../support/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  vi.restoreAllMocks();
  directory.remove();
});

/** What every file does is done by one class, which Node does not export. */
async function fileMethods(): Promise<FileHandle> {
  const handle = await open(directory.path);
  await handle.close();
  return Object.getPrototypeOf(handle);
}

/** Bytes of the segments as they are at the moment. */
const written = () =>
  readdirSync(directory.path)
    .filter(isSegment)
    .reduce((sum, name) => sum + statSync(join(directory.path, name)).size, 0);

it('says that a group is kept when its bytes and the name of its file are on disk (5.3)', async () => {
  const methods = await fileMethods();
  const { datasync, sync } = methods;
  /** What was on disk for certain, in the order in which that came about. */
  const events: [what: string, bytes: number][] = [];
  vi.spyOn(methods, 'datasync').mockImplementation(async function (this: FileHandle) {
    const bytes = written();
    await datasync.call(this);
    // As on a slow disk: whoever does not wait is found out.
    await new Promise((resolve) => setTimeout(resolve, 50));
    events.push(['bytes', bytes]);
  });
  vi.spyOn(methods, 'sync').mockImplementation(async function (this: FileHandle) {
    const isDirectory = (await this.stat()).isDirectory();
    await sync.call(this);
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (isDirectory) events.push(['name', written()]);
  });
  const spool = await openSpool(directory.path);
  events.length = 0;

  for (const rows of [2, 3]) {
    const group = { id: uuidv7(), batches: [eventBatch(rows)] };
    const before = written();
    await spool.append(group);
    events.push(['told', written()]);
    expect(written()).toBeGreaterThan(before);
  }
  await spool.close();

  const [first, second] = events.flatMap(([what], at) => (what === 'told' ? [at] : []));
  const told = (at = 0) => events[at]?.[1] ?? 0;
  const onDisk = (until = 0) =>
    Math.max(...events.slice(0, until).map(([what, bytes]) => (what === 'bytes' ? bytes : 0)));
  expect(events.slice(0, first).map(([what]) => what)).toContain('name');
  expect(onDisk(first)).toBeGreaterThanOrEqual(told(first));
  expect(onDisk(second)).toBeGreaterThanOrEqual(told(second));
});
