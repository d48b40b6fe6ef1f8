import type { Registry } from 'prom-client';
import { totalOf } from './counted.ts';

/** Records since the start, by what became of them. */
export interface Ledger {
  readonly received: number;
  readonly recovered: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly refused: number;
  readonly deadLettered: number;
  readonly erased: number;
  readonly pending: number;
}

/** As the metrics have it. */
export async function readLedger(registry: Registry): Promise<Ledger> {
  const settled = (outcome: string) =>
    totalOf(registry, 'telemetry_records_settled_total', (labels) => labels.outcome === outcome);
  return {
    received: await totalOf(registry, 'telemetry_records_received_total'),
    recovered: await totalOf(registry, 'telemetry_records_recovered_total'),
    stored: await settled('stored'),
    duplicate: await settled('duplicate'),
    rejected: await settled('rejected'),
    refused: await settled('refused'),
    deadLettered: await settled('dead_lettered'),
    erased: await settled('erased'),
    pending: await totalOf(registry, 'telemetry_records_pending'),
  };
}
