// Logs as many events as each line of stdin says, flushes, and prints its counters.
import { createInterface } from 'node:readline';
import { telemetry } from 'gravitas-telemetry-client';

let value = 0;
for await (const line of createInterface({ input: process.stdin })) {
  for (let count = Number(line); count > 0; count -= 1) {
    telemetry.log('DEMAND', { component: process.env.COMPONENT, value: value++ });
  }
  await telemetry.flush(10);
  console.log(JSON.stringify(telemetry.counters()));
}
