import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = new URL('../..', import.meta.url).pathname;

function buf(...args: string[]): void {
  const path = [join(root, '.venv/bin'), join(root, 'node_modules/.bin'), process.env.PATH];
  const env = { ...process.env, PATH: path.join(delimiter) };
  execFileSync('buf', args, { cwd: root, env, encoding: 'utf8', stdio: 'pipe' });
}

function filesBelow(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [file.slice(directory.length), readFileSync(file, 'utf8')]));
}

it.each(['gen', 'clients/typescript/gen'])('generates what is committed in %s', (place) => {
  const directory = temporaryDirectory();
  buf('generate', '--output', directory.path);
  const generated = filesBelow(join(directory.path, place));
  const committed = filesBelow(join(root, place));
  expect([...generated.keys()].sort()).toEqual([...committed.keys()].sort());
  for (const [file, text] of generated) expect(text, file).toBe(committed.get(file));
  directory.remove();
});

// After a deliberate change: buf build --exclude-source-info -o test/contract/released.binpb
it('breaks nobody who uses the contract as it was released', () => {
  buf('breaking', '--against', 'test/contract/released.binpb');
});
