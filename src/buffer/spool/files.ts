import { open, unlink, writeFile } from 'node:fs/promises';

export const segmentName = (number: number): string =>
  `spool-${String(number).padStart(10, '0')}.log`;

export const isSegment = (name: string): boolean => /^spool-\d+\.log$/.test(name);

/** No number is used again while a segment that has it is set aside. */
export function nextNumber(names: readonly string[]): number {
  const numbers = names.map((name) => Number(/^spool-(\d+)\.log/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers) + 1;
}

/** A new file is only as durable as its entry in the directory. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** As many bytes as an append may well have. */
const testBytes = 64 * 1024;

/** Throws where files of a directory can't be written. */
export async function testWrite(path: string): Promise<void> {
  try {
    await writeFile(path, Buffer.alloc(testBytes), { flush: true, mode: 0o600 });
  } finally {
    await unlink(path).catch(() => {});
  }
}
