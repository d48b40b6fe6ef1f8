import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readConfig } from '../../src/config.ts';
import { hasPromtool, promtool } from '../support/promtool.ts';
import { pythonTool } from '../support/python-tool.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const read = (...path: string[]) => readFileSync(join(deploy, ...path), 'utf8');
const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;

const resources = [
  ...read('kubernetes/kustomization.yaml').matchAll(/^ {2}- ([\w-]+\.yaml)$/gm),
].map(([, file = '']) => file);
const validate = pythonTool('kubernetes-validate', 'kubernetes-validate==1.37.0');

it.runIf(validate)('the resources of Kubernetes are what its schemas say', () => {
  expect(resources.length).toBeGreaterThan(5);
  const files = resources.map((file) => join(deploy, 'kubernetes', file));
  execFileSync(validate as string, ['--strict', ...files], { stdio: 'pipe' });
});

it.runIf(has('kubectl', 'version', '--client'))('kustomize puts them together', () => {
  const text = execFileSync('kubectl', ['kustomize', join(deploy, 'kubernetes')], {
    encoding: 'utf8',
  });
  expect(text).toContain(`image: gravitas-telemetry:${manifest.version}\n`);
  for (const kind of ['StatefulSet', 'PodDisruptionBudget', 'NetworkPolicy']) {
    expect(text).toContain(`kind: ${kind}\n`);
  }
});

it('the options of the resources are valid, and leave time to stop', () => {
  const text = read('kubernetes/config-map.yaml');
  const env = Object.fromEntries(
    [...text.matchAll(/^ {2}([A-Z_]+): "?([^"\n]+)"?$/gm)].map(([, name, value]) => [name, value]),
  );
  expect(Object.keys(env)).toContain('DATABASE_URL_FILE');
  delete env.DATABASE_URL_FILE;
  const { shutdownDelayMs, shutdownMsMax } = readConfig(env, {});
  const grace = /terminationGracePeriodSeconds: (\d+)/.exec(read('kubernetes/stateful-set.yaml'));
  const sleep = /\["sleep", "(\d+)"\]/.exec(read('kubernetes/stateful-set.yaml'));
  expect(Number(grace?.[1]) * 1000).toBeGreaterThan(
    shutdownDelayMs + shutdownMsMax + Number(sleep?.[1]) * 1000,
  );
});

it.runIf(has('systemd-analyze', '--version'))('the unit is one that systemd takes', () => {
  const unit = join(deploy, 'systemd/gravitas-telemetry.service');
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

it.runIf(hasPromtool)(
  'rules for Prometheus are valid, and alerts are raised when they should',
  () => {
    const file = (name: string) => join(deploy, 'prometheus', name);
    promtool(['check', 'rules', file('alerts.yaml'), file('recording.yaml')]);
    promtool(['test', 'rules', file('alerts.test.yaml')]);
  },
);

it('each alert has a runbook, and asks for metrics that there are', () => {
  const alerts = read('prometheus/alerts.yaml');
  const docs = (name: string) => readFileSync(join(deploy, '../docs', name), 'utf8');
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const runbooks = [...docs('runbooks.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(runbooks).toEqual(names);
  const raised = read('prometheus/alerts.test.yaml').matchAll(/alertname: (\w+)\n +exp_alerts:/g);
  expect(new Set(Array.from(raised, ([, name]) => name))).toEqual(new Set(names));
  const metrics = new Set(
    [...docs('metrics.md').matchAll(/^\| `(telemetry_\w+)`/gm)].map(([, name = '']) => name),
  );
  const asked = `${alerts}${read('prometheus/recording.yaml')}`.matchAll(/\btelemetry_\w+/g);
  const unknown = [...asked]
    .map(([name]) => name.replace(/_bucket$/, ''))
    .filter((name) => !metrics.has(name));
  expect(unknown).toEqual([]);
});
