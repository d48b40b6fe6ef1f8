import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** docs/conformance.md says what this is, and which cases fail and why. */
const version = 'v1.0.7';
const module = `connectrpc.com/conformance@${version}`;
const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache/conformance', version);
const program = join(cache, 'connectconformance');
const types = join(cache, 'types.binpb');

if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
  console.error(
    'make conformance needs Go: Connect’s conformance suite is a Go program, which it builds. ' +
      'Nothing was tested.',
  );
  process.exit(2);
}
if (!existsSync(program) || !existsSync(types)) prepare();
const { status } = spawnSync(
  program,
  [
    ...['--mode', 'server', '--conf', join(import.meta.dirname, 'config.yaml')],
    // A server that is slow to start, because the others are starting too, counts as failing.
    ...['--max-servers', '2'],
    ...knownFailures().flatMap((pattern) => ['--known-failing', pattern]),
    ...process.argv.slice(2),
    ...['--', process.execPath, '--disable-warning=ExperimentalWarning'],
    ...[join(import.meta.dirname, 'server.ts'), types],
  ],
  { stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: join(cache, 'compiled') } },
);
process.exit(status ?? 1);

/** Builds the suite and reads its contract, both of them into the cache. */
function prepare(): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'telemetry-conformance-'));
  try {
    const go = (...args: string[]) =>
      execFileSync('go', args, {
        cwd: work,
        env: { ...process.env, GOBIN: work, GOFLAGS: '' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    console.error(`building ${module}`);
    go('install', module.replace('@', '/cmd/connectconformance@'));
    const { Dir: sources } = JSON.parse(go('mod', 'download', '-json', module));
    const built = join(work, 'types.binpb');
    const buf = ['build', join(sources, 'proto'), '--as-file-descriptor-set', '--output', built];
    execFileSync(join(root, 'node_modules/.bin/buf'), buf, { stdio: 'inherit' });
    copyFileSync(join(work, 'connectconformance'), program);
    copyFileSync(built, types);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of the table of the document, so that each has its reason. */
function knownFailures(): string[] {
  const document = readFileSync(join(root, 'docs/conformance.md'), 'utf8');
  const [, section = ''] = document.split('\n## Known failures\n');
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, pattern = '']) => pattern);
}
