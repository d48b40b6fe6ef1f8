import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = join(import.meta.dirname, '../..');
const [first, second] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
let directory: string;
beforeEach(() => {
  directory = temporaryDirectory().path;
  for (const file of ['Makefile', 'Dockerfile'])
    copyFileSync(join(root, file), join(directory, file));
});

/** With a registry that answers so, asked by what stands for Docker's command line. */
function renew(answer: string): void {
  const asked = 'buildx imagetools inspect node:24-bookworm-slim --format {{.Manifest.Digest}}';
  const script = `#!/bin/sh\n[ "$*" = "${asked}" ] || { echo "$*" >&2; exit 2; }\n${answer}\n`;
  writeFileSync(join(directory, 'docker'), script, { mode: 0o755 });
  const env = { ...process.env, PATH: [directory, process.env.PATH].join(delimiter) };
  execFileSync('make', ['--silent', 'image-base'], { cwd: directory, env, stdio: 'pipe' });
}

const dockerfile = (folder = directory) => readFileSync(join(folder, 'Dockerfile'), 'utf8');

it('the base of the image is pinned by its digest, renewed, and left alone without one', () => {
  const unpinned = dockerfile(root).replace(/^(ARG NODE_IMAGE=[^@\n]*).*/m, '$1');
  for (const digest of [first, second]) {
    renew(`echo ${digest}`);
    expect(dockerfile()).toBe(unpinned.replace(/^ARG NODE_IMAGE=.*/m, `$&@${digest}`));
  }
  for (const failure of ['exit 1', 'echo', 'echo sha256:short']) {
    expect(() => renew(failure)).toThrow();
    expect(dockerfile()).toContain(`@${second}\n`);
  }
});
