import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { demoEvents, demoUsage } from '../../scripts/dashboard/demo-records.ts';

export interface DemoSize {
  readonly eventHours: number;
  readonly usageDays: number;
  readonly callsADay: number;
}

const batchMax = 250;
const retryable = [429, 503];

/** Sends what an application would have sent up to now, as its client would: again until it is taken. */
export async function sendDemoData(
  baseUrl: string,
  { eventHours, usageDays, callsADay }: DemoSize,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const now = Date.now();
  const records = [
    ...demoEvents(now, eventHours).map((record) => ({ kind: 'events', record })),
    ...demoUsage(now, usageDays, callsADay).map((record) => ({ kind: 'usage', record })),
  ];
  for (let at = 0; at < records.length; at += batchMax) {
    const batch = Object.groupBy(records.slice(at, at + batchMax), ({ kind }) => kind);
    const of = (kind: string) => (batch[kind] ?? []).map(({ record }) => record);
    const body = { batch_id: uuidv7(), events: of('events'), usage: of('usage') };
    await sendBatch(baseUrl, JSON.stringify(body), headers);
  }
}

async function sendBatch(
  baseUrl: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(`${baseUrl}/v1/telemetry/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    const answer = await response.text();
    if (response.ok) return;
    if (!retryable.includes(response.status) || tries === 20) throw new Error(answer);
    await sleep(200);
  }
}
