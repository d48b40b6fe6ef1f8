import { Counter, Histogram, type Registry } from 'prom-client';
import { gaugesOf } from '../observe/gauge.ts';
import { type AnsweredRequest, answeredRequests } from '../observe/happenings.ts';
import { secondMs } from '../units.ts';
import type { CallLimits } from './call-limits.ts';

/** In seconds: from what an idle collector takes to what no caller waits for. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A request was answered. */
export type OnAnswered = (
  route: string,
  code: string,
  ms: number,
  asked: Pick<AnsweredRequest, 'method' | 'headers'>,
) => void;

/** Counts requests; the metrics of a route and code are looked up once. */
export function countRequests(registry: Registry): OnAnswered {
  const registers = [registry];
  const requests = new Counter({
    name: 'telemetry_requests_total',
    help: 'Requests that were answered, by route and by the code of the answer.',
    labelNames: ['route', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'telemetry_request_duration_seconds',
    help: 'From the header of a request to the end of its answer, by route; of streams the whole.',
    labelNames: ['route'],
    buckets,
    registers,
  });
  const known = new Map<string, ReturnType<typeof durations.labels>>();
  const counters = new Map<string, ReturnType<typeof requests.labels>>();
  const get = <T>(map: Map<string, T>, key: string, make: () => T): T => {
    const found = map.get(key) ?? make();
    map.set(key, found);
    return found;
  };
  return (route, code, ms, asked) => {
    get(known, route, () => durations.labels(route)).observe(ms / secondMs);
    get(counters, `${code} ${route}`, () => requests.labels(route, code)).inc();
    if (answeredRequests.hasSubscribers) {
      const { method, headers } = asked;
      answeredRequests.publish({ route, method, code, headers, ms });
    }
  };
}

/** What is in progress at the moment. */
export function measureDoor(
  server: { readonly connections: number },
  limits: Pick<CallLimits, 'calls' | 'streams'>,
  registry: Registry,
): void {
  const gauge = gaugesOf(registry);
  gauge('telemetry_connections', 'Open connections of clients.', () => server.connections);
  gauge('telemetry_calls', 'Calls in progress, streams among them.', () => limits.calls);
  gauge('telemetry_streams', 'Open streams.', () => limits.streams);
}
