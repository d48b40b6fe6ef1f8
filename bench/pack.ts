import { create, fromJson } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../src/accept/encode-batch.ts';
import { freshRow } from '../src/rollup/fresh-table.ts';
import { KeyTable } from '../src/rollup/key-table.ts';
import { addKey, Packer } from '../src/rollup/packer.ts';
import { eventShape, type Shape, usageShape } from '../src/rollup/shapes.ts';
import { dayMs, hourMs } from '../src/units.ts';
import { generateEvents } from './support/events.ts';
import { generateUsage } from './support/usage.ts';

/**
 * What it costs a collector to pack a record for the rollups, in nanoseconds of processor time: the
 * least of many rounds, since whatever else the machine does only adds to it. npm run bench:pack
 */
const [records, rounds] = [20_000, 60];
const time = { ageMsMax: dayMs, aheadMsMax: hourMs };

/** Rows in batches, and these in groups, each of which is stored by one transaction. */
type Groups = readonly (readonly Uint8Array[])[];

function chunks<T>(all: readonly T[], size: number): T[][] {
  const starts = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => index * size);
  return starts.map((start) => all.slice(start, start + size));
}

function grouped<T>(
  all: readonly T[],
  rows: number,
  batches: number,
  copyOf: (some: T[]) => Uint8Array,
) {
  return chunks(chunks(all, rows).map(copyOf), batches);
}

const encoded = (events: Event[], usage: Usage[]) =>
  encodeBatch({ batchId: uuidv7(), events, usage }, { eventTime: time, batchIdTime: time }).rows;

function events(rows: number, batches: number, components?: number): Groups {
  const all = generateEvents(records, 1, components).map(({ event_type: eventType, ...event }) =>
    create(EventSchema, { eventType, ...event }),
  );
  return grouped(all, rows, batches, (some) => encoded(some, []).event.copy);
}

function usage(more: object): Groups {
  const calls = generateUsage(records, 1, 'priced');
  const all = calls.map((call) => fromJson(UsageSchema, { ...call, ...more }));
  return grouped(all, 1000, 5, (some) => encoded([], some).usage.copy);
}

function nanosecondsARecord(shape: Shape, groups: Groups): number {
  const series = new KeyTable();
  const packer = new Packer(shape, series);
  for (const copy of groups.flat()) packer.add(copy);
  for (const [index, values] of packer.unknown.entries()) {
    addKey(series, values);
    series.set(index + 1);
  }
  const took = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    for (const copies of groups) {
      packer.restart();
      for (const copy of copies) packer.add(copy);
      freshRow(shape.kind, packer.events, packer.data());
    }
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / records;
  });
  return Math.round(Math.min(...took));
}

const everyDimension = {
  agent: 'coder',
  team: 'platform',
  project: 'assistant',
  time_to_first_token_ms: 312,
};
const cases = [
  ['events, 5 batches of 1,000', eventShape, events(1000, 5)],
  ['the same, of 10,000 components', eventShape, events(1000, 5, 10_000)],
  ['events, 100 batches of 10', eventShape, events(10, 100)],
  ['events, 28 posts of one', eventShape, events(1, 28)],
  ['usage records', usageShape, usage({})],
  ['usage records with all dimensions', usageShape, usage(everyDimension)],
] as const;
for (const [name, shape, groups] of cases) {
  console.log(`${name}: ${nanosecondsARecord(shape, groups)} ns a record`);
}
