import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Both are built from Go modules once, into a folder that is not committed. */
const cache = join(import.meta.dirname, '../../../node_modules/.cache/peers');

export const telegrafVersion = '1.37.2';
export const otelVersion = '0.165.0';

const telegrafModule = `github.com/influxdata/telegraf/cmd/telegraf@v${telegrafVersion}`;
const telegrafTags = [
  'custom',
  'inputs.http_listener_v2',
  'outputs.postgresql',
  'parsers.json',
  'parsers.influx',
];

const core = 'go.opentelemetry.io/collector';
const contributed = 'github.com/open-telemetry/opentelemetry-collector-contrib';
const otelParts = {
  receivers: [`${core}/receiver/otlpreceiver v${otelVersion}`],
  exporters: [
    `${contributed}/exporter/fileexporter v0.165.1`,
    `${core}/exporter/otlphttpexporter v${otelVersion}`,
  ],
  extensions: [`${contributed}/extension/storage/filestorage v0.165.1`],
};

/** A program, or why there is none. */
export type Built = { readonly program: string } | { readonly missing: string };

export const telegraf = (): Built =>
  built(`telegraf-${telegrafVersion}`, (work, program) => {
    const tags = telegrafTags.join(',');
    go(work, 'install', '-p', '1', '-ldflags=-s -w', '-tags', tags, telegrafModule);
    copyFileSync(join(work, 'telegraf'), program);
  });

/**
 * By its own builder, which writes the sources. Modules are found as they are built: the builder's
 * way of tidying asks for those of tests too, which module proxies need not have.
 */
export const otelCollector = (): Built =>
  built(`otelcol-${otelVersion}`, (work, program) => {
    go(work, 'install', '-p', '1', `${core}/cmd/builder@v${otelVersion}`);
    const sources = join(work, 'sources');
    writeFileSync(join(work, 'build.yaml'), otelManifest(sources));
    const options = ['--config', 'build.yaml', '--skip-get-modules', '--skip-compilation'];
    execFileSync(join(work, 'builder'), options, { cwd: work, stdio: 'ignore' });
    go(sources, 'mod', 'init', 'peers/otelcol');
    for (const part of [...Object.values(otelParts).flat(), `${core}/otelcol v${otelVersion}`]) {
      go(sources, 'mod', 'edit', `-require=${part.replace(' ', '@')}`);
    }
    go(sources, 'build', '-mod=mod', '-p', '1', '-trimpath', '-ldflags=-s -w', '-o', program, '.');
  });

function otelManifest(sources: string): string {
  const parts = Object.entries(otelParts).flatMap(([kind, modules]) => [
    `${kind}:`,
    ...modules.map((module) => `  - gomod: ${module}`),
  ]);
  return [
    ...['dist:', '  name: otelcol', `  output_path: ${sources}`, `  version: ${otelVersion}`],
    ...parts,
  ].join('\n');
}

function built(name: string, build: (work: string, program: string) => void): Built {
  const program = join(cache, name);
  if (existsSync(program)) return { program };
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
    return { missing: 'needs Go to be built' };
  }
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'telemetry-peers-'));
  try {
    console.error(`building ${name}, which takes minutes`);
    build(work, program);
    return { program };
  } catch (error) {
    return { missing: `could not be built: ${(error as Error).message.split('\n')[0]}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Beside other work: nobody waits for it but this. */
function go(cwd: string, ...args: string[]): void {
  execFileSync('nice', ['-n', '15', 'go', ...args], {
    cwd,
    env: { ...process.env, GOBIN: cwd, GOFLAGS: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
