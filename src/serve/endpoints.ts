import { Registry } from 'prom-client';
import type { Health } from '../observe/health.ts';
import { send, sendJson } from './plain-answers.ts';
import type { Route } from './route.ts';
import type { Response } from './socket-server.ts';

interface Operated {
  readonly health: Health;
  readonly metrics: () => Promise<string>;
  readonly version: string;
  readonly queueDepth: () => number;
}

/** What operators and older clients ask by plain HTTP, however busy the collector is. */
export function operatorRoutes(operated: Operated): Route[] {
  const { health, version, queueDepth } = operated;
  const metrics = shared(operated.metrics);
  const get = (path: string, answer: (response: Response) => void | Promise<void>): Route => ({
    path,
    methods: ['GET'],
    kind: 'operator',
    scope: 'none',
    serve: async (_call, _request, response) => await answer(response),
  });
  return [
    get('/livez', (response) => sendJson(response, 200, { status: 'alive' })),
    get('/readyz', (response) => {
      const { ready, reasons } = health.readiness;
      const { status, unwellSince: since } = health;
      sendJson(response, ready ? 200 : 503, { status, reasons, since });
    }),
    get('/health', (response) => {
      const { reasons } = health.readiness;
      sendJson(response, 200, {
        status: reasons.length === 0 ? 'healthy' : 'degraded',
        service: 'gravitas-telemetry',
        version,
        database: health.areAllWell('database', 'schema', 'commit'),
        queue_depth: queueDepth(),
        reasons,
        since: health.unwellSince,
      });
    }),
    get('/metrics', async (response) => {
      send(response, 200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }, await metrics());
    }),
  ];
}

/** Who asks while an answer is made is given the same one: it costs as much for many. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= make().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
