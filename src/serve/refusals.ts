import { Counter, type Registry } from 'prom-client';

/** Why a request, a batch of a stream, or a connection is refused; docs/metrics.md says what each means. */
export const refusalReasons = [
  'connections',
  'handshake',
  'plain_text',
  'calls',
  'streams',
  'receiving',
  'late',
  'not_found',
  'method',
  'content_type',
  'too_large',
  'malformed',
  'unauthenticated',
  'forbidden',
  'attempts',
  'quota',
  'invalid',
  'conflict',
  'overloaded',
  'unavailable',
  'shutting_down',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];
export type OnRefused = (reason: RefusalReason) => void;

/** Counts what is refused, most of it before any record is taken and could be accounted for. */
export class Refusals {
  readonly #requests: Counter<'reason'>;

  constructor(registry: Registry) {
    this.#requests = new Counter({
      name: 'telemetry_requests_refused_total',
      help: 'Requests, batches of streams and connections that were refused.',
      labelNames: ['reason'],
      registers: [registry],
    });
    // A series that is not there yet reads like one that is not counted.
    for (const reason of refusalReasons) this.#requests.inc({ reason }, 0);
  }

  readonly count: OnRefused = (reason) => this.#requests.inc({ reason });
}
