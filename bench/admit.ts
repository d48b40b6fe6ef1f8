import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { FailedAttempts } from '../src/admin/failed-attempts.ts';
import { type Key, newSecret } from '../src/admin/key.ts';
import { KeyRing } from '../src/admin/key-ring.ts';
import { readConfig } from '../src/config.ts';
import { Admission } from '../src/serve/admission.ts';
import { Call } from '../src/serve/call.ts';
import { CallLimits } from '../src/serve/call-limits.ts';
import { type Callers, everybody } from '../src/serve/caller.ts';
import { countRequests } from '../src/serve/request-metrics.ts';
import type { Request, Response } from '../src/serve/socket-server.ts';

/**
 * What the gate costs a request, in nanoseconds of processor time: without keys, and with one of a
 * hundred keys; and what counting it does. npm run bench:admit
 */
const config = readConfig({}, {});
const [keysMax, calls, rounds] = [100, 200_000, 9];

const secrets = Array.from({ length: keysMax }, newSecret);
const keys = secrets.map(
  ({ id, digest }): Key => ({
    id,
    digest,
    name: `key-${id}`,
    scopes: ['ingest'],
    source: 'database',
    limits: { recordsPerSecond: 1000 },
  }),
);
const attempts = new FailedAttempts(1, pino({ level: 'silent' }));
const ring = new KeyRing({ scopes: [], isLoopback: true }, attempts, config);
ring.replace(keys);

const requests = secrets.map(({ token }) => {
  const headers = { host: 'localhost', authorization: `Bearer ${token}` };
  return { method: 'GET', url: '/', headers, socket: {} } as unknown as Request;
});
const response = new EventEmitter() as unknown as Response;

function admitAll(callers: Callers): number {
  const gate = new Admission(new CallLimits(config), callers);
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index++) {
    const call = gate.admit(
      { kind: 'unary', scope: 'ingest' },
      requests[index % keysMax] as Request,
      response,
    );
    if (!(call instanceof Call)) throw call;
    response.emit('close');
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / calls;
}

const best = (callers: Callers) =>
  Math.round(Math.min(...Array.from({ length: rounds }, () => admitAll(callers))));
const [without, withKey] = [best(everybody), best(ring)];
console.log(`without keys ${without} ns, with a key ${withKey} ns: ${withKey - without} ns more`);

/** Of the metrics of requests, each of which is counted by route and code and timed by route. */
const onAnswered = countRequests(new Registry());
const routes = Array.from({ length: 30 }, (_, index) => `/gravitas.telemetry.v1.Service/${index}`);
function countAll(): number {
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index++) {
    const asked = requests[index % keysMax] as Request;
    onAnswered(routes[index % routes.length] as string, 'ok', index % 50, asked);
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / calls;
}
const counted = Math.round(Math.min(...Array.from({ length: rounds }, countAll)));
console.log(`counting and timing an answered request: ${counted} ns`);
process.exit();
