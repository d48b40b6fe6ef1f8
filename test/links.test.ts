import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import Slugger from 'github-slugger';
import { marked, type Token, type Tokens } from 'marked';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const folders = '{bench,clients,docs,examples,proto,scripts,src,test}';
const exclude = ['**/node_modules/**', '**/.*/**', '**/dist/**', '**/__pycache__/**'];
const files = (pattern: string) => globSync(pattern, { cwd: root, exclude }).toSorted();
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const documents = files('**/*.md');

function tokens<T extends Token>(file: string, type: T['type']): T[] {
  const found: T[] = [];
  marked.walkTokens(marked.lexer(read(file)), (token) => {
    if (token.type === type) found.push(token as T);
  });
  return found;
}

/** Where its links and pictures lead, those in HTML included. */
function targets(file: string): string[] {
  const html = tokens<Tokens.HTML>(file, 'html').flatMap(({ text }) =>
    [...text.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, target = '']) => target),
  );
  const links = [...tokens<Tokens.Link>(file, 'link'), ...tokens<Tokens.Image>(file, 'image')];
  return [...links.map(({ href }) => href), ...html];
}

/** What can follow # in a link to a document: its headings, as GitHub names them. */
function anchors(file: string): string[] {
  const slugger = new Slugger();
  return tokens<Tokens.Heading>(file, 'heading').map((heading) =>
    slugger.slug(plainText(heading.tokens)),
  );
}

const plainText = (parts: Token[]): string =>
  parts
    .map((part) => ('tokens' in part && part.tokens ? plainText(part.tokens) : part.raw))
    .join('');

/** What is wrong with a link of a document; undefined where nothing is. */
function broken(file: string, target: string): string | undefined {
  const [path = '', anchor] = decodeURI(target).split('#');
  const found = path === '' ? file : relative(root, resolve(root, dirname(file), path));
  if (found.startsWith('..')) return `${file}: ${target} leads out of the project`;
  if (!existsSync(join(root, found))) return `${file}: ${target} leads nowhere`;
  if (anchor === undefined || (found.endsWith('.md') && anchors(found).includes(anchor))) return;
  return `${file}: ${target} leads to no heading`;
}

it('every relative link of the documents leads to a file, and to a heading that it has', () => {
  const links = documents.flatMap((file) => targets(file).map((target) => ({ file, target })));
  const own = links.filter(({ target }) => !/^[a-z]+:/.test(target));
  expect(own.length).toBeGreaterThan(20);
  expect(own.map(({ file, target }) => broken(file, target)).filter(Boolean)).toEqual([]);
});

it('the README says what each folder of src is for', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}`);
  expect(targets('README.md')).toEqual(expect.arrayContaining(folders));
});

// What begins with a dot is made on the machine.
it('every path that a document names is one of the project', () => {
  const path = new RegExp(
    `^(?:${folders.slice(1, -1).replaceAll(',', '|')})/[\\w/-]+(?:\\.\\w+)*/?$`,
  );
  const named = documents.flatMap((file) =>
    tokens<Tokens.Codespan>(file, 'codespan')
      .filter(({ text }) => path.test(text))
      .map(({ text }) => ({ file, text })),
  );
  expect(named.length).toBeGreaterThan(5);
  // A path begins where the project does, or where the document lies.
  const missing = named.filter(
    ({ file, text }) => ![root, join(root, dirname(file))].some((at) => existsSync(join(at, text))),
  );
  expect(missing).toEqual([]);
});

it('every document that a comment names is there', () => {
  const sources = [...files(`${folders}/**/*.{ts,py,proto,sh}`), ...files('bin/*'), 'Makefile'];
  const names = sources.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w/.-])docs\/[\w/-]+(?:\.md)?/g)].map(([name]) => ({
      file,
      name,
    })),
  );
  expect(names.length).toBeGreaterThan(5);
  const missing = names.filter(
    // The beginning of a name stands for the file that begins so.
    ({ name }) => !existsSync(join(root, name)) && globSync(`${name}*`, { cwd: root }).length === 0,
  );
  expect(missing).toEqual([]);
});

it('have sources run by the Node of the checkout, since others may not read TypeScript', () => {
  const commands = documents.flatMap((file) =>
    [...read(file).matchAll(/(?:npx )?\bnode [\w./-]+\.ts\b/g)].map(([command]) => command),
  );
  expect(commands.length).toBeGreaterThan(0);
  expect(commands.filter((command) => !command.startsWith('npx '))).toEqual([]);
});
