import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('bash completes commands, their commands and flags', { timeout: 60_000 }, async () => {
  const { code, stdout } = await runCommand(['completion', 'bash']);
  expect(code).toBe(0);
  const file = join(temporaryDirectory().path, 'completion');
  writeFileSync(file, stdout);
  const complete = (...words: string[]) => {
    const script = `. ${file}; COMP_WORDS=(gravitas-telemetry "$@"); COMP_CWORD=$#; _gravitas_telemetry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
      .trim()
      .split('\n');
  };
  expect(complete('dead')).toEqual(['dead-letters']);
  expect(complete('dead-letters', 're')).toEqual(['replay']);
  expect(complete('spool', 'status', '--database')).toEqual(['--database-url']);
});

it('other shells than those it knows are named', async () => {
  const { code, stderr } = await runCommand(['completion', 'tcsh']);
  expect([code, stderr]).toEqual([1, 'there is no completion for tcsh: name bash, zsh or fish\n']);
});
