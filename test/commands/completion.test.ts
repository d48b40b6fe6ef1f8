import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOthers } from '../../src/commands/others.ts';
import { createProgram } from '../../src/commands/program.ts';
import { runCommand } from '../support/command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const program = createProgram('0', new Command('serve').option('--port <number>'));
addOthers(program);

const wordsOf = ({ commands, options }: Command): string[] => [
  ...options.flatMap(({ long }) => long?.slice(2) ?? []),
  ...commands.flatMap((command) => [command.name(), ...wordsOf(command)]),
];

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
  // Behind flags with their values, and behind arguments.
  expect(complete('--port', '80', 'dead')).toEqual(['dead-letters']);
  expect(complete('--port', '=', '80', 'dead')).toEqual(['dead-letters']);
  expect(complete('keys', '--port', 'list', 're')).toEqual(['revoke']);
  expect(complete('spool', 'status', '/tmp', '--json-')).toEqual(['--json-values-max']);
  expect(complete('--port', 'ch')).toEqual(['']);
  // What is meant without a name, and what an argument may be.
  expect(complete('--shutdown-d')).toEqual(['--shutdown-delay-ms']);
  expect(complete('usage', '--fore')).toEqual(['--forecast']);
  expect(complete('completion', 'z')).toEqual(['zsh']);
  expect(complete('export', 'u')).toEqual(['usage']);
});

it('every shell completes every command and flag', { timeout: 60_000 }, async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await runCommand(['completion', shell, '--json']);
    const { script, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ shell });
    for (const word of wordsOf(program)) expect(script, `${shell} ${word}`).toContain(word);
  }
});

it('other shells than those it knows are named', async () => {
  const { code, stderr } = await runCommand(['completion', 'tcsh']);
  expect([code, stderr]).toEqual([1, 'there is no completion for tcsh: name bash, zsh or fish\n']);
});
