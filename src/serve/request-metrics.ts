import { Counter, type Registry } from 'prom-client';
import { gaugesOf } from '../observe/gauge.ts';
import { type AnsweredRequest, answeredRequests } from '../observe/happenings.ts';
import { type Distribution, PlainHistogram } from '../observe/plain-histogram.ts';
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

/** What is counted of a route. */
interface Counted {
  readonly durations: Distribution;
  readonly byCode: Map<string, number>;
}

/** Counts requests, in plain numbers that are told when somebody asks. */
export function countRequests(registry: Registry): OnAnswered {
  const byRoute = new Map<string, Counted>();
  new Counter({
    name: 'telemetry_requests_total',
    help: 'Requests that were answered, by route and by the code of the answer.',
    labelNames: ['route', 'code'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [route, { byCode }] of byRoute) {
        for (const [code, count] of byCode) this.inc({ route, code }, count);
      }
    },
  });
  const name = 'telemetry_request_duration_seconds';
  const help =
    'From the header of a request to the end of its answer, by route; of streams the whole.';
  const durations = new PlainHistogram({ name, help, labelName: 'route', buckets }, registry);
  const begin = (route: string): Counted => {
    const counted = { durations: durations.labels(route), byCode: new Map<string, number>() };
    byRoute.set(route, counted);
    return counted;
  };
  return (route, code, ms, asked) => {
    const { durations, byCode } = byRoute.get(route) ?? begin(route);
    durations.observe(ms / secondMs);
    byCode.set(code, (byCode.get(code) ?? 0) + 1);
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
