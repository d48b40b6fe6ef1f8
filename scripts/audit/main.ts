import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Licensed, npmPackages, refused } from './licences.ts';

/**
 * What is used of others: whether its licences are allowed, whether anybody has found a fault in
 * it, and a list of it in dist/ (CycloneDX). Where a registry does not answer, that is said, and no
 * failure: it says nothing of the code.
 */
const root = new URL('../..', import.meta.url).pathname;
const answerMsMax = 120_000;
let failed = false;

function tell(name: string, outcome: 'passed' | 'FAILED' | 'skipped', why = ''): void {
  failed ||= outcome === 'FAILED';
  console.log(`${outcome}: ${name}${why && ` (${why})`}`);
}

function run(
  program: string,
  args: readonly string[],
): { status: number; stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    timeout: answerMsMax,
  });
  return {
    status: status ?? 1,
    stdout: stdout ?? '',
    stderr: `${stderr ?? ''}${error?.message ?? ''}`,
  };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

function checkLicences(name: string, packages: readonly Licensed[]): void {
  const wrong = refused(packages).map(
    (each) => `${each.name}: ${each.licences.join(', ') || 'none'}`,
  );
  if (packages.length === 0) tell(name, 'FAILED', 'no packages are found');
  else
    tell(
      name,
      wrong.length === 0 ? 'passed' : 'FAILED',
      wrong.join('; ') || `${packages.length} packages`,
    );
}

/** Of what the collector and its users run: tools of development run nowhere else. */
function auditNpm(): void {
  const { stdout, stderr } = run('npm', ['audit', '--omit=dev', '--json']);
  const answer = parse(stdout) as {
    metadata?: { vulnerabilities: Record<string, number> };
    message?: string;
  };
  if (!answer.metadata) {
    tell(
      'npm audit',
      'skipped',
      `the registry gives no answer: ${answer.message ?? lastLine(stderr)}`,
    );
    return;
  }
  const { total = 0, ...found } = answer.metadata.vulnerabilities;
  tell('npm audit', total === 0 ? 'passed' : 'FAILED', total === 0 ? '' : JSON.stringify(found));
}

function auditPython(): void {
  const { status, stdout, stderr } = run('pip-audit', [
    '--local',
    '--progress-spinner=off',
    '--format=json',
  ]);
  const answer = parse(stdout) as { dependencies?: { name: string; vulns?: unknown[] }[] };
  if (!answer.dependencies) {
    tell('pip-audit', 'skipped', `there is no answer: ${lastLine(stderr) || `status ${status}`}`);
    return;
  }
  const found = answer.dependencies.filter(({ vulns = [] }) => vulns.length > 0);
  tell(
    'pip-audit',
    found.length === 0 ? 'passed' : 'FAILED',
    found.map(({ name }) => name).join(', '),
  );
}

function writeSbom(): void {
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const { status, stdout, stderr } = run('npm', args);
  if (status !== 0) {
    tell('npm sbom', 'FAILED', lastLine(stderr));
    return;
  }
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, 'dist/sbom.cdx.json'), stdout);
  tell('npm sbom', 'passed', 'dist/sbom.cdx.json');
}

function parse(text: string): object {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

checkLicences('licences of npm packages', npmPackages(join(root, 'package-lock.json')));
const python = run('python', ['scripts/audit/python_licences.py']);
checkLicences('licences of Python packages', python.status === 0 ? JSON.parse(python.stdout) : []);
auditNpm();
auditPython();
writeSbom();
process.exitCode = failed ? 1 : 0;
