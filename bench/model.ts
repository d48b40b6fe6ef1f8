import { parseArgs } from 'node:util';

/**
 * How many collectors, coordinators and workers a rate of events needs, from what an event costs
 * each of them, and what saturates first: docs/citus.md. The costs are those of `make bench
 * BENCH='--only citus'` on the machine that is to be modelled.
 */
const { values } = parseArgs({
  options: {
    /** Microseconds of processor time an event. */
    collector: { type: 'string', default: '4' },
    coordinator: { type: 'string', default: '4.7' },
    worker: { type: 'string', default: '9.5' },
    /** Bytes that an event takes on the wire between them, and on a disk with its indexes. */
    'network-bytes': { type: 'string', default: '200' },
    'disk-bytes': { type: 'string', default: '400' },
    /** Of each server. */
    cores: { type: 'string', default: '16' },
    /** How much of a processor, network or disk is used at most, so that there is room for peaks. */
    share: { type: 'string', default: '0.6' },
    'network-mbit': { type: 'string', default: '10000' },
    'disk-mbyte': { type: 'string', default: '1000' },
    rates: { type: 'string', default: '100000,1000000,10000000' },
    /** Cores that all processes share, and a rate that was measured on them: is the model right? */
    'shared-cores': { type: 'string' },
    measured: { type: 'string' },
  },
});

const number = (name: keyof typeof values): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name}: expects a number above 0`);
};

/** What one of each can take, by what it is that is used up. */
interface Limits {
  readonly processor: number;
  readonly network: number;
  readonly disk: number;
}

/** One collector is one thread of JavaScript: more of them, on the same server or others, take more. */
function limits(): Readonly<Record<'collector' | 'coordinator' | 'worker', Limits>> {
  const share = number('share');
  const core = 1e6 * share;
  const cores = number('cores');
  const network = (number('network-mbit') * 125_000 * share) / number('network-bytes');
  const disk = (number('disk-mbyte') * 1e6 * share) / number('disk-bytes');
  return {
    collector: { processor: core / number('collector'), network: network / 2, disk: Infinity },
    // What comes in goes out again, and little of it stays.
    coordinator: {
      processor: (core * cores) / number('coordinator'),
      network: network / 2,
      disk: disk * 20,
    },
    worker: { processor: (core * cores) / number('worker'), network, disk },
  };
}

/** The least of its limits, and which one that is. */
function most(of: Limits): { readonly rate: number; readonly by: string } {
  const [by, rate] = Object.entries(of).reduce((least, each) =>
    each[1] < least[1] ? each : least,
  );
  return { rate, by };
}

const capacity = limits();
const needs = (values.rates ?? '').split(',').map((text) => {
  const rate = Number(text);
  const of = (kind: keyof typeof capacity) => Math.ceil(rate / most(capacity[kind]).rate);
  const counts = { collector: of('collector'), coordinator: 1, worker: of('worker') };
  const uses = (Object.keys(capacity) as (keyof typeof capacity)[]).map((kind) => ({
    kind,
    use: rate / (counts[kind] * most(capacity[kind]).rate),
  }));
  const fullest = uses.reduce((least, each) => (each.use > least.use ? each : least));
  return {
    'events/s': rate.toLocaleString('en'),
    collectors: counts.collector,
    coordinators: of('coordinator') > 1 ? `${of('coordinator')}, and there is only one` : 1,
    workers: counts.worker,
    'saturates first': `${fullest.kind} (${most(capacity[fullest.kind]).by}), used to ${Math.round(100 * fullest.use)} % of what it may be`,
  };
});
console.table(needs);
console.table(
  Object.entries(capacity).map(([kind, of]) => ({
    'one of': kind,
    'events/s': Math.floor(most(of).rate).toLocaleString('en'),
    'limited by': most(of).by,
  })),
);
const limit = most(capacity.coordinator);
console.log(
  `The design's limit is one coordinator, through which all rows pass: ${Math.floor(limit.rate).toLocaleString('en')} events/s, by its ${limit.by}.`,
);
if (values['shared-cores'] !== undefined) {
  const all = number('collector') + number('coordinator') + number('worker');
  const predicted = (1e6 * number('shared-cores')) / all;
  const measured = values.measured === undefined ? undefined : number('measured');
  console.log(
    `On ${values['shared-cores']} cores that all of them share, without a reserve: ${Math.round(predicted).toLocaleString('en')} events/s at most${
      measured === undefined
        ? ''
        : `; measured were ${measured.toLocaleString('en')}, ${(measured / predicted).toFixed(2)} of it`
    }.`,
  );
}
