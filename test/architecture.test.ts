import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const parts = [
  'status',
  'serve',
  'records',
  'prices',
  'accept',
  'buffer',
  'commit',
  'postgres',
  'database',
  'query',
  'admin',
  'observe',
  'rollup',
  'retention',
  'web',
  'processes',
] as const;

interface Rules {
  /** Parts, single files, and gen. Beside its own files a part imports nothing else. */
  readonly own: readonly string[];
  /** Of these, only types. */
  readonly typesOf?: readonly string[];
  /** Packages; those of Node are open to all. */
  readonly packages: readonly string[];
}

/** Who may import whom. The collector and the command line see everything, and stand below. */
const rules: Readonly<Record<string, Rules>> = {
  serve: {
    own: ['gen/grpc', 'gen/google', 'observe', 'errors', 'units', 'uuid'],
    packages: [
      '@bufbuild/protobuf',
      '@connectrpc/connect',
      '@connectrpc/connect-node',
      'prom-client',
    ],
  },
  records: {
    own: ['gen/gravitas', 'errors', 'sha256', 'units', 'uuid'],
    packages: ['@bufbuild/protobuf'],
  },
  prices: {
    own: ['records/cost-source', 'errors', 'units'],
    typesOf: ['observe/logger'],
    packages: ['@pydantic/genai-prices', 'zod'],
  },
  accept: {
    own: ['gen', 'serve', 'records', 'observe', 'buffer/batch', 'uuid', 'errors', 'units'],
    typesOf: ['buffer/ingest-buffer', 'observe/accounting', 'prices'],
    packages: ['@bufbuild/protobuf', '@connectrpc/connect'],
  },
  buffer: {
    own: [
      ...['records/tables', 'observe/happenings', 'errors', 'directory-lock'],
      ...['pause', 'uuid', 'units'],
    ],
    typesOf: ['observe'],
    packages: ['prom-client'],
  },
  commit: {
    own: [
      ...['postgres', 'database', 'records', 'rollup', 'buffer/batch', 'errors', 'units', 'uuid'],
      ...['prices/provider', 'prices/stored', 'prices/decimal'],
    ],
    typesOf: ['buffer', 'prices'],
    packages: ['kysely', 'pg'],
  },
  rollup: {
    own: ['postgres', 'database', 'records', 'observe', 'errors', 'units', 'uuid'],
    packages: ['kysely', 'pg', 'prom-client'],
  },
  postgres: {
    own: ['observe', 'errors', 'directory-lock', 'units', 'uuid'],
    typesOf: ['config'],
    packages: ['kysely', 'pg', 'prom-client'],
  },
  database: {
    own: ['postgres', 'records/tables', 'observe', 'errors', 'pause', 'units', 'uuid'],
    typesOf: ['config'],
    packages: ['kysely', 'pg', 'pg-copy-streams', 'prom-client'],
  },
  status: {
    own: ['gen', 'pause', 'units', 'uuid'],
    typesOf: ['admin', 'database', 'observe', 'processes'],
    packages: ['@bufbuild/protobuf', 'kysely', 'prom-client'],
  },
  query: {
    own: [
      'gen',
      'serve',
      'postgres',
      'database',
      'retention/drop-times',
      'rollup',
      'records',
      'prices',
      'errors',
      'pause',
      'units',
      'uuid',
    ],
    packages: ['@bufbuild/protobuf', '@connectrpc/connect', 'kysely', 'temporal-polyfill'],
  },
  observe: {
    own: ['records/cost-source', 'records/tables', 'errors', 'units'],
    packages: ['pino', 'pino-pretty', 'prom-client'],
  },
  traces: {
    own: ['observe/happenings', 'errors', 'version'],
    typesOf: ['config', 'observe'],
    packages: ['@opentelemetry/api', '@opentelemetry/sdk-trace'],
  },
  admin: {
    own: [
      'gen',
      'serve',
      'commit',
      'postgres',
      'database',
      'records/tables',
      'errors',
      'pause',
      'units',
      'uuid',
      'prices',
      'records/cost-source',
    ],
    typesOf: ['config', 'observe', 'rollup'],
    packages: ['@bufbuild/protobuf', '@connectrpc/connect', 'kysely', 'pg', 'prom-client'],
  },
  retention: {
    own: ['database', 'records/tables', 'rollup', 'errors', 'units'],
    typesOf: ['config', 'observe'],
    packages: ['kysely', 'pg', 'prom-client'],
  },
  web: { own: ['serve'], packages: [] },
  processes: {
    own: ['config/memory', 'directory-lock', 'errors', 'observe', 'postgres/embedded'],
    typesOf: ['config', 'postgres'],
    packages: ['prom-client'],
  },
  'main.ts': {
    own: [
      ...['collector', 'commands', 'config', 'errors', 'idle-heap', 'observe', 'processes'],
      ...['signals', 'traces'],
      'version',
    ],
    packages: [],
  },
  commands: {
    own: [
      ...['admin', 'buffer', 'commit', 'config', 'database', 'observe', 'prices', 'query'],
      ...['postgres', 'records/rfc3339', 'retention', 'rollup', 'serve/tls/certificate-files'],
      ...['gen', 'directory-lock', 'errors', 'units', 'uuid', 'version'],
    ],
    packages: [
      ...['@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-node', 'commander'],
      ...['csv-parse', 'hyparquet', 'hyparquet-writer', 'prom-client', 'string-width'],
    ],
  },
  'directory-lock.ts': { own: ['errors'], packages: [] },
  config: { own: ['postgres/address', 'errors', 'units'], packages: ['zod'] },
  'config.ts': { own: ['config', 'errors'], packages: ['fastest-levenshtein', 'zod'] },
  'errors.ts': { own: [], packages: [] },
  'idle-heap.ts': { own: [], packages: [] },
  'pause.ts': { own: [], packages: [] },
  'sha256.ts': { own: [], packages: [] },
  'signals.ts': { own: [], packages: [] },
  'units.ts': { own: [], packages: [] },
  'uuid.ts': { own: ['sha256'], packages: ['uuidv7'] },
  'ingest-path.ts': {
    own: ['accept', 'buffer', 'commit', 'database', 'observe', 'rollup', 'units'],
    typesOf: ['config', 'prices'],
    packages: ['pg', 'prom-client'],
  },
  'spools.ts': {
    own: ['buffer'],
    typesOf: ['config', 'ingest-path', 'observe'],
    packages: [],
  },
  'upkeep.ts': {
    own: ['retention', 'rollup', 'status', 'version'],
    typesOf: ['admin', 'config', 'database', 'ingest-path', 'observe', 'processes'],
    packages: ['prom-client'],
  },
  'routes.ts': {
    own: [
      ...['gen', 'accept', 'query', 'admin', 'observe/gauge', 'retention', 'serve', 'version'],
      ...['processes/counted', 'web'],
    ],
    typesOf: ['config', 'database', 'ingest-path', 'observe', 'processes', 'status'],
    packages: ['prom-client'],
  },
  'door.ts': { own: ['serve'], typesOf: ['config', 'observe'], packages: ['prom-client'] },
  'measures.ts': {
    own: ['buffer/spool/files', 'commit/dead-letters', 'observe/gauge', 'units'],
    typesOf: ['config', 'database', 'observe'],
    packages: ['kysely', 'prom-client'],
  },
  'version.ts': { own: [], packages: [] },
  'collector.ts': {
    own: [
      'directory-lock',
      ...parts,
      'ingest-path',
      'spools',
      'upkeep',
      'routes',
      'door',
      'measures',
      'version',
      'config',
      'errors',
    ],
    packages: ['prom-client'],
  },
};

/** What is said in one place only. */
const reserved: readonly { readonly what: RegExp; readonly only: readonly string[] }[] = [
  { what: /\bprocess\.env\b/, only: ['commands/command.ts', 'main.ts'] },
  { what: /\bprocess\.(on|once|addListener)\(/, only: ['main.ts', 'signals.ts'] },
  {
    what: /\bprocess\.(exit|exitCode|abort)\b/,
    only: ['main.ts', 'commands/command.ts', 'commands/report.ts'],
  },
  { what: /\b(86_?400_?000|3_?600_?000)\b/, only: ['units.ts'] },
  { what: /retryDelayMs\s*[=:]\s*1_?000\b/, only: ['errors.ts'] },
  { what: /'system_telemetry'\s*[|,]\s*'usage_stats'/, only: [] },
  { what: /@pydantic\/genai-prices/, only: ['prices/list.ts', 'prices/model-index.ts'] },
  { what: /CopyIn/, only: ['commit/copy.ts'] },
  {
    what: /\bConnectError\(/,
    only: ['serve/told-error.ts'],
  },
  { what: /\bimport\(/, only: ['main.ts', 'postgres/embedded/binaries.ts', 'traces/tracing.ts'] },
  {
    what: /\bconsole\./,
    only: ['commands/command.ts', 'commands/report.ts'],
  },
];

const linesMax = 230;
const root = join(import.meta.dirname, '..');
const files = globSync('src/**/*.ts', { cwd: root }).map((file) => file.slice('src/'.length));
const source = (file: string) => readFileSync(join(root, 'src', file), 'utf8');

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const statement = /^(?:import|export)\s+(?:([^'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gms;

function importsOf(file: string): Import[] {
  return [...source(file).matchAll(statement)].map(([, names = '', path = '']) => ({
    file,
    target: resolve(file, path),
    typeOnly: isTypeOnly(names),
  }));
}

/** `import type {…}`, or `type` before each of the names. */
function isTypeOnly(names: string): boolean {
  if (names.startsWith('type ')) return true;
  const listed = /^\{(.*)\}$/s.exec(names)?.[1]?.split(',') ?? ['a value'];
  return listed.map((name) => name.trim()).every((name) => name === '' || name.startsWith('type '));
}

/** A path from src/ without its ending, gen, or the name of a package. */
function resolve(file: string, path: string): string {
  if (!path.startsWith('.')) {
    const [scope, name] = path.split('/');
    return path.startsWith('@') ? `${scope}/${name}` : (scope as string);
  }
  const target = relative('src', join('src', dirname(file), path));
  return target.replace(/^\.\.\/gen\/typescript\//, 'gen/').replace(/\.ts$/, '');
}

const isWithin = (target: string, places: readonly string[] = []) =>
  places.some((place) => target === place || target.startsWith(`${place}/`));

const ruleOf = (file: string): string =>
  file.includes('/') ? (file.split('/')[0] as string) : file;

function isAllowed({ file, target, typeOnly }: Import): boolean {
  const part = ruleOf(file);
  const { own, typesOf, packages } = rules[part] as Rules;
  if (target.startsWith('node:') || packages.includes(target)) return true;
  if (isWithin(target, [part, ...own])) return true;
  return typeOnly && isWithin(target, typesOf);
}

describe('src/', () => {
  it('has only parts with rules', () => {
    expect(new Set(files.map(ruleOf))).toEqual(new Set(Object.keys(rules)));
  });

  it('imports only what its rules allow', () => {
    const imports = files.flatMap(importsOf);
    expect(imports.length).toBeGreaterThan(files.length);
    const forbidden = imports.filter((each) => !isAllowed(each));
    expect(forbidden.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it.each(reserved)('says $what only in $only', ({ what, only }) => {
    const elsewhere = files.filter((file) => what.test(source(file)) && !only.includes(file));
    expect(elsewhere).toEqual([]);
  });

  it('does nothing while it is imported', () => {
    const acting = files.filter((file) => /^(await|new|[a-zA-Z.]+\()/m.test(source(file)));
    expect(acting.toSorted()).toEqual(['main.ts', 'signals.ts']);
  });

  it(`has files of at most ${linesMax} lines`, () => {
    const long = files.filter((file) => source(file).split('\n').length - 1 > linesMax);
    expect(long).toEqual([]);
  });

  it('has file names in kebab-case, and no default exports', () => {
    expect(files.filter((file) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.ts$/.test(file))).toEqual([]);
    expect(files.filter((file) => /^export default/m.test(source(file)))).toEqual([]);
  });
});
