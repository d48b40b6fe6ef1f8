import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../dashboard/src');

interface Rules {
  /** Rooms and single files. Beside its own files a room imports nothing else. */
  readonly own: readonly string[];
  /** Of these, only types. */
  readonly typesOf?: readonly string[];
  readonly packages: readonly string[];
}

/** Who may import whom, from the state of the page up to what is seen. */
const rules: Readonly<Record<string, Rules>> = {
  state: { own: ['times'], typesOf: ['api'], packages: ['@preact/signals', '@bufbuild/protobuf'] },
  api: {
    own: ['state', 'format', 'times', 'gen'],
    packages: ['preact', '@preact/signals', '@bufbuild/protobuf', '@connectrpc'],
  },
  parts: {
    own: ['api', 'state', 'format', 'times'],
    packages: ['preact', '@preact/signals', '@bufbuild/protobuf'],
  },
  charts: {
    own: ['api', 'parts', 'state', 'format', 'times', 'gen'],
    packages: ['preact', 'uplot'],
  },
  views: {
    own: ['api', 'charts', 'parts', 'state', 'format', 'times', 'gen'],
    packages: ['preact', '@preact/signals', '@bufbuild/protobuf'],
  },
  format: { own: [], packages: [] },
  times: { own: ['state/zone'], packages: [] },
  language: { own: [], packages: [] },
  css: { own: [], packages: [] },
  app: { own: ['api', 'parts', 'state', 'times', 'views'], packages: ['preact'] },
  main: { own: ['app', 'language', 'state', 'style'], packages: ['preact', 'uplot'] },
};

/** What is said in one place only. */
const reserved: readonly (readonly [what: RegExp, only: RegExp])[] = [
  [/\bfetch\(/, /^api\//],
  [/\b(local|session)Storage\b/, /^state\//],
  [/\bhistory\.\w+State\(/, /^state\/address\.ts$/],
  [/\bcreateClient\(/, /^api\/client\.ts$/],
  [/innerHTML|document\.write|\beval\(|style="/, /^$/],
  [/https?:\/\//, /^$/],
];

const files = globSync('**/*.{ts,tsx}', { cwd: root });
const source = (file: string) => readFileSync(join(root, file), 'utf8');
const roomOf = (path: string) => (path.split('/')[0] as string).replace(/\.(d\.)?tsx?$/, '');
/** Each view is a room of its own. */
const viewOf = (file: string) => /^views\/([^/]+)\//.exec(file)?.[1];

const statement = /^import\s+(?:([^'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gms;
const imports = files.flatMap((file) =>
  [...source(file).matchAll(statement)].map(([, names = '', path = '']) => {
    const isOwn = path.startsWith('.');
    const target = isOwn
      ? relative(root, join(root, file, '..', path))
          .replace(/^(\.\.\/)+gen\/typescript\//, 'gen/')
          .replace(/^\.\.\/style\//, 'style/')
          .replace(/\.tsx?$/, '')
      : path;
    return { file, target, isOwn, isType: names.startsWith('type ') };
  }),
);

const isWithin = (target: string, places: readonly string[] = []) =>
  places.some((place) => target === place || target.startsWith(`${place}/`));

describe('dashboard/src', () => {
  it('has only rooms with rules', () => {
    expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(rules)));
  });

  it('imports only what its rules allow', () => {
    expect(imports.length).toBeGreaterThan(files.length);
    const forbidden = imports.filter(({ file, target, isOwn, isType }) => {
      const room = roomOf(file);
      const { own, typesOf, packages } = rules[room] as Rules;
      if (!isOwn) return !isWithin(target, packages);
      return !(isWithin(target, [room, ...own]) || (isType && isWithin(target, typesOf)));
    });
    expect(forbidden.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('has views that do not know each other', () => {
    const across = imports.filter(
      ({ file, target }) =>
        viewOf(file) && target.startsWith('views/') && viewOf(`${target}/`) !== viewOf(file),
    );
    expect(across.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it.each(reserved)('says %s only in %s', (what, only) => {
    expect(files.filter((file) => what.test(source(file)) && !only.test(file))).toEqual([]);
  });

  it('has files of at most 230 lines, in kebab-case', () => {
    expect(files.filter((file) => source(file).split('\n').length > 231)).toEqual([]);
    const named = /^([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.tsx?$/;
    expect(files.filter((file) => !named.test(file))).toEqual([]);
    expect(files.filter((file) => /^export default/m.test(source(file)))).toEqual([]);
  });
});
