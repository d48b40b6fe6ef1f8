// Says what is left when a client is closed that has sent, asked and spooled.
import { Telemetry } from 'gravitas-telemetry-client';

const events = ['beforeExit', 'exit', 'SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException'];
const left = () => ({
  listeners: events.map((name) => process.listenerCount(name)),
  resources: process
    .getActiveResourcesInfo()
    .filter((name) => /Socket|TCP|TLS|Server|Timeout|Pipe/.test(name))
    .toSorted(),
});
console.log('start');
const before = left();
const logger = { info: () => {}, warn: () => {} };
for (const url of [undefined, 'http://127.0.0.1:9']) {
  const telemetry = new Telemetry({ url, logger });
  telemetry.log('CLOSING');
  await telemetry.flush(10);
  await telemetry.getRecentEvents(1);
  await telemetry.close(10);
}
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(JSON.stringify({ before, after: left() }));
