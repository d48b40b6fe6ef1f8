import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';

const eventType = 'TAILED';
/** Not in step with its looks. */
const everyMs = 130;

/** Milliseconds from the acknowledgement of an event to its arrival on a stream of Tail, in order. */
export async function tailTimes(baseUrl: string, events: number): Promise<number[]> {
  const leave = new AbortController();
  const transport = createGrpcTransport({ baseUrl });
  const responses = createClient(QueryService, transport)
    .tail({ filter: { eventTypes: [eventType] } }, { signal: leave.signal })
    [Symbol.asyncIterator]();
  // The first message says that it has its place.
  await responses.next();
  const times: number[] = [];
  for (let count = 0; count < events; count++) {
    const response = await fetch(`${baseUrl}/v1/telemetry/log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event_type: eventType, value: count }),
    });
    const acknowledgedMs = performance.now();
    await response.arrayBuffer();
    for (;;) {
      const { value } = await responses.next();
      if (value.records.length > 0) break;
    }
    times.push(performance.now() - acknowledgedMs);
    await sleep(everyMs);
  }
  leave.abort();
  return times.sort((a, b) => a - b);
}
