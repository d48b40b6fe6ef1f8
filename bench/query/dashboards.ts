import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorProcess } from '../../test/support/process.ts';
import { startLoad } from '../load/child.ts';
import type { StreamResult } from '../load/stream.ts';
import { median } from '../support/statistics.ts';
import { row } from './report.ts';

/** What the dashboards ask that there were before. */
const panels = [
  'events?component=L1&event_type=VRAM_CHECK&limit=20',
  'stats?hours=24&event_type=EVENT_TYPE_0',
  'trends?days=60&event_type=EVENT_TYPE_0',
  'usage/summary?hours=24',
  'timeseries?hours=1&group_by=event_type',
  'footprint',
];
const dashboards = 2;
const shape = { connections: 8, batchRows: 1000, batches: 1_000_000 };
const ways: Readonly<Record<string, number>> = { 'every 5 s': 5000, 'without pause': 0 };
/** Some refreshes fit in, and many of a stream's commits, each of tens of thousands. */
const windowMs = 10_000;
/** What is left of the window before ends in it. */
const betweenMs = 1000;

interface Window {
  readonly eventsPerSecond: number;
  /** How long all panels of a dashboard took, each time. */
  readonly refreshesMs: readonly number[];
  /** Panels that were told to come again. */
  readonly refused: number;
}

/**
 * One stream flat out, in windows by turns alone and beside dashboards. What one beside them has is
 * told by what the two around it have, so that what the machine does meanwhile, and how full the
 * tables are, meets both.
 */
export async function tellDashboards(
  { port, baseUrl }: CollectorProcess,
  seed: number,
  rounds: number,
): Promise<void> {
  const ended = new AbortController();
  const load = await startLoad<StreamResult>('./stream.ts', { port, ...shape, seed }, ended.signal);
  const running = load.go();
  const pauses = Object.values(ways).flatMap((everyMs) => [everyMs, undefined]);
  const order = [undefined, ...Array.from({ length: rounds }, () => pauses).flat()];
  const windows: Window[] = [];
  const measured = async () => {
    for (const everyMs of order) windows.push(await oneWindow(baseUrl, everyMs));
  };
  try {
    await Promise.race([measured(), running]);
  } finally {
    ended.abort();
    await running.catch(() => {});
  }
  tell(order, windows);
}

function tell(order: readonly (number | undefined)[], windows: readonly Window[]): void {
  const rate = (at: number) => windows[at]?.eventsPerSecond as number;
  const placesOf = (everyMs?: number) => [...order.keys()].filter((at) => order[at] === everyMs);
  const heads = ['a stream beside two dashboards', 'events/s', 'of alone', 'refreshes', 'p50, ms'];
  console.log(`\n${row([...heads, 'refused'])}`);
  console.log(row(['---', '---:', '---:', '---:', '---:', '---:']));
  console.log(row(['none', spread(placesOf().map(rate), thousands), '', '', '', '']));
  for (const [way, everyMs] of Object.entries(ways)) {
    const places = placesOf(everyMs);
    const shares = places.map((at) => (2 * rate(at)) / (rate(at - 1) + rate(at + 1)));
    const refreshesMs = places.flatMap((at) => windows[at]?.refreshesMs ?? []);
    const refused = places.reduce((sum, at) => sum + (windows[at]?.refused ?? 0), 0);
    const told = [spread(places.map(rate), thousands), spread(shares, (share) => share.toFixed(2))];
    console.log(row([way, ...told, refreshesMs.length, median(refreshesMs).toFixed(0), refused]));
  }
}

const thousands = (value: number): string => Math.round(value).toLocaleString('en');

/** The median, and the least and the greatest. */
const spread = (values: readonly number[], told: (value: number) => string): string =>
  `${told(median(values))} (${told(Math.min(...values))}–${told(Math.max(...values))})`;

/** How much is stored while dashboards ask all of their panels every so often; without, none does. */
async function oneWindow(baseUrl: string, everyMs?: number): Promise<Window> {
  const over = new AbortController();
  const { signal } = over;
  const refreshesMs: number[] = [];
  let refused = 0;
  const pause = (ms: number) => sleep(ms, undefined, { signal });
  const look = async (number: number, every: number) => {
    await pause((number * every) / dashboards);
    for (;;) {
      const begunMs = performance.now();
      const answers = await Promise.all(panels.map((panel) => isAnswered(baseUrl, panel, signal)));
      refreshesMs.push(performance.now() - begunMs);
      refused += answers.filter((answered) => !answered).length;
      await pause(Math.max(0, begunMs + every - performance.now()));
    }
  };
  const looks =
    everyMs === undefined
      ? []
      : Array.from({ length: dashboards }, (_, number) => look(number, everyMs));
  await sleep(betweenMs);
  const [first, beganMs] = [await storedSoFar(baseUrl), performance.now()];
  await Promise.race([sleep(windowMs), ...looks]);
  const eventsPerSecond =
    ((await storedSoFar(baseUrl)) - first) / ((performance.now() - beganMs) / 1000);
  over.abort();
  await Promise.allSettled(looks);
  return { eventsPerSecond, refreshesMs, refused };
}

/** False where it is told to come again. */
async function isAnswered(baseUrl: string, panel: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`${baseUrl}/v1/telemetry/${panel}`, { signal });
  const text = await response.text();
  if (![200, 503].includes(response.status)) throw new Error(`${panel}: ${text}`);
  return response.status === 200;
}

async function storedSoFar(baseUrl: string): Promise<number> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const [, stored] =
    /^telemetry_records_settled_total\{table="system_telemetry",outcome="stored"\} (\d+)/m.exec(
      text,
    ) ?? [];
  if (stored === undefined) throw new Error('/metrics does not say how many events are stored');
  return Number(stored);
}
