import { type Command, Option } from 'commander';
import { type ApiRun, apiCommand, jsonFlag } from './api-command.ts';
import { pages } from './list-pages.ts';
import {
  eventFlags,
  type Kind,
  parametersOf,
  rangeFlags,
  usageFlags,
  wholeOf,
} from './record-flags.ts';
import type { FlatRecord } from './records.ts';
import { type Column, tableLines, write } from './terminal.ts';

const limitMax = 1_000_000;

const shownColumns: Readonly<Record<Kind, readonly Column[]>> = {
  event: [
    { name: 'timestamp', whole: true },
    { name: 'event_type' },
    { name: 'component' },
    { name: 'value', right: true },
    { name: 'status' },
    { name: 'metadata' },
  ],
  usage: [
    { name: 'timestamp', whole: true },
    { name: 'model' },
    { name: 'layer' },
    { name: 'input_tokens', right: true },
    { name: 'output_tokens', right: true },
    { name: 'cost_usd', right: true },
    { name: 'duration_ms', right: true },
    { name: 'status' },
  ],
};

const list =
  (kind: Kind): ApiRun =>
  async (connection, flags) => {
    const limit = wholeOf(flags, 'limit', 20, limitMax);
    const records: FlatRecord[] = [];
    for await (const page of pages(connection, kind, parametersOf(kind, flags), limit)) {
      records.push(...page);
    }
    if (flags.json !== undefined) {
      await write(`${JSON.stringify(records, null, 2)}\n`);
      return undefined;
    }
    const columns = shownColumns[kind];
    const rows = records.map((record) => columns.map(({ name }) => cell(name, record[name])));
    if (rows.length > 0) await write(`${tableLines(columns, rows).join('\n')}\n`);
    else await write('there are none\n');
    return undefined;
  };

function cell(name: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (name === 'timestamp')
    return String(value)
      .replace('T', ' ')
      .replace(/\+00:00$/, '');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const listFlags = [
  new Option('--limit <number>', 'at most so many (default 20)'),
  jsonFlag('as a list in JSON, with all fields'),
];

export const eventsCommand = (): Command =>
  apiCommand(
    'events',
    'the newest events that a collector has stored',
    [...eventFlags, ...rangeFlags, ...listFlags],
    list('event'),
  );

export const usageRecordsCommand = (): Command =>
  apiCommand(
    'records',
    'the newest usage records that a collector has stored',
    [...usageFlags, ...rangeFlags, ...listFlags],
    list('usage'),
  );
