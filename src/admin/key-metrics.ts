import { Counter, Gauge, type Registry } from 'prom-client';
import type { KeyRing } from './key-ring.ts';
import type { KeyUse } from './key-use.ts';

/** What is used by each name of a key, and by those who have none. */
export function measureKeys(ring: KeyRing, registry: Registry): void {
  const counter = (name: string, help: string, read: (use: KeyUse) => number) =>
    new Counter({
      name,
      help,
      labelNames: ['key'],
      registers: [registry],
      collect() {
        this.reset();
        for (const use of ring.uses) this.inc({ key: use.name }, read(use));
      },
    });
  counter(
    'telemetry_key_requests_total',
    'Requests by the key that they came with.',
    (use) => use.requests,
  );
  counter(
    'telemetry_key_bytes_total',
    'Bytes of encoded rows by the key that they came with.',
    (use) => use.bytes,
  );
  counter(
    'telemetry_key_queries_total',
    'Queries by the key that they came with.',
    (use) => use.queries,
  );
  counter(
    'telemetry_key_refusals_total',
    'Requests and batches that a key had no scope, quota or share left for.',
    (use) => use.refusals,
  );
  new Counter({
    name: 'telemetry_key_records_total',
    help: 'Records by the key that they came with: taken, or refused by its quota.',
    labelNames: ['key', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name: key, records } of ring.uses) {
        for (const [outcome, count] of Object.entries(records)) this.inc({ key, outcome }, count);
      }
    },
  });
  new Gauge({
    name: 'telemetry_key_last_used_seconds',
    aggregator: 'max',
    help: 'When a key was used last, as a Unix time; 0 before that.',
    labelNames: ['key'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name } of ring.uses) this.set({ key: name }, ring.lastUseOf(name) / 1000);
    },
  });
}
