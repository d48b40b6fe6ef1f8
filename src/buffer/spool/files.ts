import { open, unlink, writeFile } from 'node:fs/promises';

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
