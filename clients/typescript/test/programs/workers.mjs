// Each of WORKERS threads logs COUNT events and ends in the way that END says.
import { isMainThread, Worker } from 'node:worker_threads';
import { telemetry } from 'gravitas-telemetry-client';

const { COMPONENT, COUNT, WORKERS, END } = process.env;
if (isMainThread) {
  for (let index = 0; index < Number(WORKERS); index += 1) {
    new Worker(new URL(import.meta.url), { env: process.env });
  }
} else {
  for (let value = 0; value < Number(COUNT); value += 1) {
    telemetry.log('WORKER', { component: COMPONENT, value });
  }
  if (END === 'exit') process.exit(0);
}
