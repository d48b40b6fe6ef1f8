import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorProcess } from '../../test/support/process.ts';
import { startLoad } from '../load/child.ts';
import type { StreamResult } from '../load/stream.ts';

/** What the dashboards ask that there were before. */
const panels = [
  'events?component=component-0&event_type=EVENT_TYPE_0&limit=20',
  'stats?hours=24&event_type=EVENT_TYPE_0',
  'trends?days=60&event_type=EVENT_TYPE_0',
  'usage/summary?hours=24',
  'timeseries?hours=1&group_by=event_type',
  'footprint',
];
const dashboards = 2;
const shape = { connections: 8, batchRows: 1000, batches: 1000 };

interface Beside {
  readonly eventsPerSecond: number;
  /** How often a dashboard has had all of its panels. */
  readonly refreshes: number;
}

/** A stream flat out, while dashboards ask all of their panels every so often; without, none does. */
export async function streamBeside(
  { port, baseUrl }: CollectorProcess,
  seed: number,
  everyMs?: number,
): Promise<Beside> {
  const ended = new AbortController();
  const load = await startLoad<StreamResult>('./stream.ts', { port, ...shape, seed }, ended.signal);
  let refreshes = 0;
  const look = async (every: number) => {
    while (!ended.signal.aborted) {
      const begunMs = performance.now();
      await Promise.all(panels.map((panel) => askFor(`${baseUrl}/v1/telemetry/${panel}`)));
      refreshes += 1;
      await sleep(Math.max(0, begunMs + every - performance.now()));
    }
  };
  const looks =
    everyMs === undefined ? [] : Array.from({ length: dashboards }, () => look(everyMs));
  const { rows, seconds } = await load.go();
  ended.abort();
  await Promise.all(looks);
  return { eventsPerSecond: rows / seconds, refreshes };
}

async function askFor(address: string): Promise<void> {
  const response = await fetch(address);
  if (response.status !== 200) throw new Error(`${address}: ${await response.text()}`);
  await response.arrayBuffer();
}
