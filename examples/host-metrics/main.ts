/**
 * Samples this machine and streams what it finds, one batch a sample.
 * Run as: npx node examples/host-metrics/main.ts --url http://127.0.0.1:8002 --interval-ms 1000
 * With --count it stops after so many samples; SIGINT and SIGTERM stop it too, and both wait for
 * the last acknowledgement.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BatchStream } from './batch-stream.ts';
import { HostSampler } from './sampler.ts';

/** How long a stop waits for the last acknowledgement. */
const stopMsMax = 5000;
/** While the collector is away, so many samples are kept; then sampling pauses. */
const unacknowledgedMax = 3600;

const { values: args } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8002' },
    'interval-ms': { type: 'string', default: '1000' },
    count: { type: 'string', default: 'Infinity' },
  },
});
const intervalMs = Number(args['interval-ms']);
const count = Number(args.count);
if (!(intervalMs > 0 && count > 0)) throw new Error('--interval-ms and --count expect numbers');

const stop = new AbortController();
const giveUp = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    setTimeout(() => giveUp.abort(), stopMsMax).unref();
  });
}

const stream = new BatchStream({
  baseUrl: args.url,
  onAcknowledged: ({ batchId, events, duplicate, rejected }) =>
    console.log(
      `${batchId}: ${events} events ${duplicate ? 'were stored before' : 'stored'}` +
        (rejected > 0 ? `, ${rejected} rejected` : ''),
    ),
  onRefused: ({ batchId, message }) => console.error(`${batchId}: refused: ${message}`),
  onBroken: (reason, delayMs) => console.error(`${reason}; next try in ${Math.round(delayMs)} ms`),
});

async function sampleUntilStopped(): Promise<void> {
  const sampler = new HostSampler();
  for (let samples = 0; samples < count; ) {
    await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) break;
    if (stream.unacknowledged >= unacknowledgedMax) continue;
    stream.send(await sampler.sample());
    samples += 1;
  }
  stream.close();
}

await Promise.all([sampleUntilStopped(), stream.run(giveUp.signal)]);
if (stream.unacknowledged > 0) {
  console.error(`stopped with ${stream.unacknowledged} batches that are not acknowledged`);
  process.exitCode = 1;
}
