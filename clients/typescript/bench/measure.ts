import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { type ContenderName, contenders } from './contenders.ts';

/**
 * One measurement in a process of its own, which prints its result as JSON:
 * node measure.ts CONTENDER LOAD URL SPOOL CALLS
 */
const [name, load, url, spool, calls] = process.argv.slice(2) as [
  ContenderName,
  'paced' | 'flat' | 'delivery',
  string,
  string,
  string,
];
const count = Number(calls);
/** Not counted: as in a service that has been running, the code is compiled. */
const warmUp = name === 'fetch' ? 200 : 20_000;
const settleMs = 1000;
const callsATurn = 100;

const contender = contenders[name](url, spool);
const costsNs = new Float64Array(count);
let called = load === 'delivery' ? 0 : -warmUp;

function call(): void {
  const start = process.hrtime.bigint();
  contender.log(called);
  const ns = Number(process.hrtime.bigint() - start);
  if (called >= 0) costsNs[called] = ns;
  called += 1;
}

/** 1,000 calls a second, each in a turn of its own as far as timers allow. */
function paced(): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      while (called < count && called < performance.now() - start) call();
      if (called < count) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}

/** As fast as it goes, with turns of the event loop in between, as in a server. */
async function flat(until = count): Promise<void> {
  while (called < until) {
    for (let each = 0; each < callsATurn && called < until; each += 1) call();
    // What is dropped would be cheaper than what is taken.
    do await turn();
    while (contender.isFull?.());
  }
}

/** Waits when nothing more is taken. */
async function delivery(): Promise<void> {
  while (called < count) {
    for (let each = 0; each < callsATurn; each += 1) contender.log(called++);
    do await turn();
    while (contender.isFull?.());
  }
}

if (called < 0) {
  await flat(0);
  await sleep(settleMs);
}
const usage = process.cpuUsage();
const start = performance.now();
await { paced, flat: () => flat(), delivery }[load]();
const callingMs = performance.now() - start;
const residentMb = Math.round(process.memoryUsage.rss() / 1024 / 1024);
const fate = await contender.end();
const { user, system } = process.cpuUsage(usage);
costsNs.sort();
const quantileUs = (q: number) => (costsNs[Math.floor(q * (count - 1))] ?? 0) / 1000;
const result = {
  p50Us: quantileUs(0.5),
  p99Us: quantileUs(0.99),
  p999Us: quantileUs(0.999),
  callsPerSecond: Math.round((count / callingMs) * 1000),
  eventsPerSecond: Math.round((count / (performance.now() - start)) * 1000),
  cpuUsPerEvent: (user + system) / count,
  residentMb,
  fate,
};
console.log(JSON.stringify(result));
process.exit(0);
