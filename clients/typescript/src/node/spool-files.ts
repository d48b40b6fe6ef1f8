import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rm } from 'node:fs/promises';

/**
 * What is a file of a spool, by more than its name: a directory may hold anything else, and that is
 * never renamed, removed or written to (clause 4.6).
 */

export const uuidV7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

const linePattern = new RegExp(`^\\{"batch_id": ?"${uuidV7}"`, 'm');
/** Enough to know a file of a spool by, unless its first line is damaged. */
const headBytes = 4096;
/** They have about 1 MiB; those of the first release may have more. */
const fileBytesMax = 64 * 1024 * 1024;

/** Not another user's. Windows knows no owners. */
export const isOwn = ({ uid }: { readonly uid: number }): boolean =>
  process.getuid === undefined || uid === process.getuid();

type Kind = { readonly kind: string };

/** The content of a closed file; undefined where it is gone, can't be read, or is no spool's. */
export async function contentOf(path: string): Promise<Buffer | undefined> {
  return opened(path, async (file) => {
    const content = await file.readFile();
    return linePattern.test(content.toString('latin1')) ? content : undefined;
  });
}

export async function isOfSpool(path: string, { kind }: Kind): Promise<boolean> {
  const isIt = await opened(path, async (file, size) => {
    if (size === 0) return kind === 'open';
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await file.read(head, 0, headBytes, 0);
    if (linePattern.test(head.toString('latin1', 0, bytesRead))) return true;
    return bytesRead < size && linePattern.test((await file.readFile()).toString('latin1'));
  });
  return isIt ?? false;
}

/** Its size where it is a spool's. */
export async function sizeOf(path: string, file: Kind): Promise<number> {
  try {
    const { size } = await lstat(path);
    return (await isOfSpool(path, file)) ? size : 0;
  } catch {
    return 0;
  }
}

/** Reads a regular file of this user with one name. What is open can't be exchanged any more. */
async function opened<T>(
  path: string,
  read: (file: FileHandle, size: number) => Promise<T>,
): Promise<T | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    const isPlain = stats.isFile() && stats.nlink === 1 && stats.size <= fileBytesMax;
    return isPlain && isOwn(stats) ? await read(file, stats.size) : undefined;
  } catch {
    return undefined;
  } finally {
    await file?.close().catch(() => {});
  }
}

/** The lines of a file, without their ends and empty ones. */
export function linesOf(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(0x0a, at);
    const line = content.subarray(at, end < 0 ? content.length : end);
    if (line.length > 0) lines.push(line);
    at = end < 0 ? content.length : end + 1;
  }
  return lines;
}

/** A new file; nothing of it stays where it can't be written whole. */
export async function writeWhole(path: string, text: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
