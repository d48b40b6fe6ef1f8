import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** As `content-encoding` has it, best first, and what the build adds to a file's name. */
const codings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;
export type Coding = (typeof codings)[number][0];

/** A file that browsers load, as it is kept in memory. */
export interface BuiltFile {
  /** Where it is served. */
  readonly path: string;
  readonly mediaType: string;
  /** Its name holds a hash of its content: it never changes. */
  readonly isHashed: boolean;
  readonly etag: string;
  readonly bytes: Uint8Array;
  readonly compressed: ReadonlyMap<Coding, Uint8Array>;
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What the build left in a directory; empty where there is none. */
export function readBuiltFiles(directory: string): BuiltFile[] {
  const names = globSync('{index.html,assets/*}', { cwd: directory });
  const compressedOf = (name: string) =>
    codings
      .filter(([, ending]) => names.includes(name + ending) || name === 'index.html')
      .map(([coding, ending]) => [coding, readFileSync(join(directory, name + ending))] as const);
  return names
    .filter((name) => extname(name) in mediaTypes)
    .map((name) => {
      const bytes = readFileSync(join(directory, name));
      return {
        path: name === 'index.html' ? '/' : `/${name}`,
        mediaType: mediaTypes[extname(name)] as string,
        isHashed: name !== 'index.html',
        etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
        bytes,
        compressed: new Map(compressedOf(name)),
      };
    });
}
