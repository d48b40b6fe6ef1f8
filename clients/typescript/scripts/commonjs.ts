import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const commonjs = join(dist, 'commonjs');

/**
 * Makes dist/commonjs of dist, for `require`: jest by default, TypeScript's node16 in packages that
 * are not modules, and older bundlers. The types are the same, in a folder that says what they are.
 */
export async function buildCommonjs(): Promise<void> {
  rmSync(commonjs, { recursive: true, force: true });
  const entries = ['index', 'browser', 'pino'];
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(dist, `${name}.js`)])),
    platform: 'neutral',
    external: /^[^./]/,
  });
  const dir = join(commonjs, 'lib');
  await bundle.write({ dir, format: 'cjs', exports: 'named', chunkFileNames: 'shared-[hash].js' });
  await bundle.close();
  copyTypes(dist, dir);
  copyTypes(join(root, 'gen'), join(commonjs, 'gen'));
  writeFileSync(join(commonjs, 'package.json'), '{ "type": "commonjs" }\n');
}

function copyTypes(from: string, to: string): void {
  const names = readdirSync(from, { recursive: true, encoding: 'utf8' });
  for (const name of names) {
    if (!name.endsWith('.d.ts') || name.startsWith('commonjs')) continue;
    mkdirSync(dirname(join(to, name)), { recursive: true });
    copyFileSync(join(from, name), join(to, name));
  }
}

if (import.meta.main) await buildCommonjs();
