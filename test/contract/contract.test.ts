import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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

/** Each folder that buf.gen.yaml names, once. */
const outputs = readFileSync(join(root, 'buf.gen.yaml'), 'utf8').matchAll(/^ +out: (.+)$/gm);
const places = new Set(Array.from(outputs, ([, out = '']) => out));
const generatedFiles = temporaryDirectory();
beforeAll(() => buf('generate', '--output', generatedFiles.path));
afterAll(() => generatedFiles.remove());

it.each([...places])('generates what is committed in %s', (place) => {
  const generated = filesBelow(join(generatedFiles.path, place));
  const committed = filesBelow(join(root, place));
  expect(generated.size).toBeGreaterThan(0);
  expect([...generated.keys()].sort()).toEqual([...committed.keys()].sort());
  for (const [file, text] of generated) expect(text, file).toBe(committed.get(file));
});

// After a deliberate change: buf build --exclude-source-info -o test/contract/released.binpb
it('breaks nobody who uses the contract as it was released', () => {
  buf('breaking', '--against', 'test/contract/released.binpb');
});
