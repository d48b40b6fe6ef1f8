import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Health } from '../observe/health.ts';

type Send = (response: ServerResponse, status: number, body: unknown) => void;

/** What operators and older clients ask by plain HTTP. */
export function observeEndpoints(
  health: Health,
  registry: Registry,
  queueDepth: () => number,
  send: Send,
): Map<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> {
  return new Map([
    ['GET /livez', async (_request, response) => send(response, 200, { status: 'alive' })],
    [
      'GET /readyz',
      async (_request, response) => {
        const { ready, reasons } = health.readiness;
        send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', reasons });
      },
    ],
    [
      'GET /health',
      async (_request, response) => {
        const { reasons } = health.readiness;
        send(response, 200, {
          status: reasons.length === 0 ? 'healthy' : 'degraded',
          service: 'gravitas-telemetry',
          database: health.isWell('database'),
          queue_depth: queueDepth(),
        });
      },
    ],
    [
      'GET /metrics',
      async (_request, response) => {
        const text = await registry.metrics();
        response.writeHead(200, { 'content-type': registry.contentType });
        response.end(text);
      },
    ],
  ]);
}
