import type { Section, Summary } from './summary.ts';

export interface Goal {
  readonly goal: string;
  readonly bound: string;
  readonly measured: number;
  readonly met: boolean;
}

/** What is wanted of the medians, as far as the cases that it takes were run. */
export function compareWithGoals(sections: readonly Section[]): Goal[] {
  const find = (section: string, name: RegExp): Summary | undefined =>
    sections.find((each) => each.name === section)?.summaries.find((each) => name.test(each.name));
  const rate = (summary?: Summary) => summary?.rowsPerSecond.median;
  const figure = (name: string, summary?: Summary) => summary?.figures[name]?.median;
  const most = find('stream', /^8 × 1,000$/);
  const single = find('stream', /^1 × 1,000$/);
  const copies = ['1', '2', '4'].map((count) => rate(find('raw', new RegExp(`^${count} `))));
  const [oneCopy] = copies;
  const bestCopy = oneCopy && Math.max(...(copies as number[]));
  const posts = find('unary', /^64 /);
  const calls = (method: string) =>
    ratio(
      rate(find('grpc', new RegExp(`^${method}, durable, 64 `))),
      rate(find('grpc', new RegExp(`^${method}, bare node:http2, 64 `))),
    );
  const bulk = find('bulk', /^64 /);
  const rfcRates = sections
    .filter(({ name }) => name === 'otherwise')
    .flatMap(({ summaries }) => summaries.filter(({ name }) => name.startsWith('RFC')))
    .map(({ rowsPerSecond }) => rowsPerSecond.median);
  const rfc = rfcRates.length > 0 ? Math.max(...rfcRates) : undefined;
  const [large, small] = [find('cost', / 1,000$/), find('cost', / 10$/)];
  const [alone, beside] = [find('fairness', /^alone/), find('fairness', /^beside/)];
  const [half, idle] = [find('latency', /^stream/), find('latency', /single/)];
  const keyed = ['with', 'without'].map((how) => {
    const name = new RegExp(`^1,000 a batch, ${how} a key$`);
    return find('keys', name)?.cpuUsPerRow.collector?.median;
  });
  const claimed = (way: string) =>
    ratio(
      rate(find('usage', new RegExp(`^${way}, claimed`))),
      rate(find('usage', new RegExp(`^${way}, stored`))),
    );
  return [
    atLeast('stream 8 × 1,000 to one raw COPY', 1.2, ratio(rate(most), oneCopy)),
    atLeast('stream 8 × 1,000 to the best number of raw COPYs', 0.75, ratio(rate(most), bestCopy)),
    atLeast('stream 1 × 1,000 to one raw COPY', 1, ratio(rate(single), oneCopy)),
    atMost('collector CPU, µs an event of 8 × 1,000', 2, most?.cpuUsPerRow.collector?.median),
    atLeast('posts a second, 64 connections', 15_000, rate(posts)),
    atMost('posts, 64 connections, p99 in ms', 20, figure('p99_ms', posts)),
    atLeast('calls of Log, 64 connections, to those of a bare node:http2', 0.5, calls('Log')),
    atLeast(
      'calls of LogBatch of 4, 64 connections, to those of a bare node:http2',
      0.5,
      calls('LogBatch of 4'),
    ),
    atMost('posts of 1,000 events, 64 connections, greatest ms', 1000, figure('max_ms', bulk)),
    atLeast('posts, 64 connections, to rows of the RFC’s design', 10, ratio(rate(posts), rfc)),
    atLeast('posts of usage with prices and claims to those without', 0.7, claimed('posts')),
    atLeast('streams of usage with prices and claims to those without', 0.7, claimed('stream')),
    atMost('steady load by 1,000: % of a core', 5, figure('collector_cpu_percent', large)),
    atMost('steady load by 10: % of a core', 20, figure('collector_cpu_percent', small)),
    atMost('steady load by 1,000: resident MB', 120, figure('resident_max_mb', large)),
    atMost('steady load by 10: resident MB', 120, figure('resident_max_mb', small)),
    atMost('stream at half of the most, p99 in ms', 50, figure('p99_ms', half)),
    atMost(
      'a key beside one at ten times its quota: its p99 to that alone',
      2,
      ratio(figure('p99_ms', beside), figure('p99_ms', alone)),
    ),
    atMost('streams with a key to those without, collector CPU', 1.05, ratio(...keyed)),
    atMost('single posts, median in ms', 10, figure('p50_ms', idle)),
  ].filter((goal) => goal !== undefined);
}

const ratio = (value?: number, of?: number) =>
  value === undefined || of === undefined ? undefined : value / of;

function atLeast(goal: string, bound: number, measured?: number): Goal | undefined {
  if (measured === undefined) return undefined;
  return { goal, bound: `≥ ${bound.toLocaleString('en')}`, measured, met: measured >= bound };
}

function atMost(goal: string, bound: number, measured?: number): Goal | undefined {
  if (measured === undefined) return undefined;
  return { goal, bound: `≤ ${bound.toLocaleString('en')}`, measured, met: measured <= bound };
}
