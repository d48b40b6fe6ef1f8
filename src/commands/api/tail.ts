import { setTimeout as sleep } from 'node:timers/promises';
import { type DescMessage, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { type Command, Option } from 'commander';
import { QueryService } from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type {
  TailRecord,
  TailRequestSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import {
  type Event,
  EventSchema,
  type Usage,
  UsageSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { StartError } from '../../errors.ts';
import { plain } from '../plain.ts';
import { type ApiRun, apiCommand, type Flags, jsonFlag } from './api-command.ts';
import type { Connection } from './connection.ts';
import { choiceOf, filterOf, type Kind, metadataOf, recordFlags, wholeOf } from './record-flags.ts';
import { note, shortened, styled, terminalWidth, write } from './terminal.ts';

const [pauseMs, pauseMsMax] = [1000, 15_000];
const [recentMax, rateMax] = [1000, 10_000];

const tail: ApiRun = async (connection, flags) => {
  const request = requestOf(flags);
  const isJson = flags.json !== undefined;
  let again: typeof request = request;
  for (let pause = pauseMs; ; pause = Math.min(pauseMsMax, 2 * pause)) {
    const ended = await follow(connection, again, isJson, () => {
      pause = pauseMs;
    });
    if (!worthRetry.has(ended.code)) throw new StartError(reason(connection, ended));
    note(`${reason(connection, ended)}; again in ${pause / 1000} s`);
    await sleep(pause);
    // What was there at the begin has been told.
    again = { ...request, recent: 0 };
  }
};

const worthRetry = new Set([Code.Unavailable, Code.Unknown, Code.Aborted, Code.Canceled]);

const reason = (connection: Connection, { code, rawMessage }: Ended): string =>
  code === Code.Unauthenticated
    ? `${connection.address} refuses: ${rawMessage} (by TELEMETRY_TOKEN or --key)`
    : `${connection.address}: ${rawMessage}`;

type Ended = Pick<ConnectError, 'code' | 'rawMessage'>;

async function follow(
  connection: Connection,
  request: MessageInitShape<typeof TailRequestSchema>,
  isJson: boolean,
  onPlaced: () => void,
): Promise<Ended> {
  try {
    const client = createClient(QueryService, connection.transport());
    for await (const { records, skipped } of client.tail(request)) {
      onPlaced();
      for (const record of records) await write(`${isJson ? jsonLine(record) : line(record)}\n`);
      if (skipped > 0n) note(`${skipped} skipped`);
    }
    return { code: Code.Unavailable, rawMessage: 'the stream has ended' };
  } catch (error) {
    return ConnectError.from(error);
  }
}

function requestOf(flags: Flags): MessageInitShape<typeof TailRequestSchema> {
  const kind = choiceOf(flags, 'kind', ['event', 'usage', 'both'], 'event');
  const kinds: Kind[] = kind === 'both' ? ['event', 'usage'] : [kind];
  const metadata = metadataOf(flags);
  const further = metadata === undefined ? {} : { metadata: JSON.parse(metadata) };
  const own = kinds.includes('event') && kind !== 'both' ? filterOf('event', flags) : {};
  const usage = kind === 'usage' ? filterOf('usage', flags) : {};
  const both = kind === 'both' ? bothFilters(flags) : undefined;
  return {
    kinds,
    filter: { ...eventLists(both?.event ?? own), ...further },
    usageFilter: { ...usageLists(both?.usage ?? usage), ...further },
    recent: flags.recent === undefined ? 0 : wholeOf(flags, 'recent', 0, recentMax),
    recordsPerSecondMax: flags.rate === undefined ? 0 : wholeOf(flags, 'rate', 0, rateMax),
  };
}

/** Each flag for the kind that knows it. */
function bothFilters(flags: Flags): Record<Kind, Record<string, string[]>> {
  const { component, type, ...others } = flags;
  const event = filterOf('event', { component, type, status: flags.status });
  return { event, usage: filterOf('usage', others) };
}

const eventLists = (lists: Record<string, string[]>) => ({
  components: lists.component ?? [],
  eventTypes: lists.event_type ?? [],
  statuses: lists.status ?? [],
});

const usageLists = (lists: Record<string, string[]>) => ({
  models: lists.model ?? [],
  layers: lists.layer ?? [],
  providers: lists.provider ?? [],
  operations: lists.operation ?? [],
  agents: lists.agent ?? [],
  projects: lists.project ?? [],
  teams: lists.team ?? [],
  users: lists.user ?? [],
  sessions: lists.session ?? [],
  statuses: lists.status ?? [],
});

const json = (schema: DescMessage, message: unknown): object =>
  toJson(schema, message as never, { useProtoFieldName: true }) as object;

function jsonLine({ record }: TailRecord): string {
  const schema = record.case === 'usage' ? UsageSchema : EventSchema;
  return JSON.stringify({ kind: record.case, ...json(schema, record.value) });
}

function line({ record }: TailRecord): string {
  if (record.case === undefined) return '';
  const { value } = record;
  const at = value.timestamp ? timestampDate(value.timestamp).toISOString().slice(11, 23) : '';
  const metadata = value.metadata === undefined ? '' : JSON.stringify(value.metadata);
  const own = record.case === 'event' ? eventParts(record.value) : usageParts(record.value);
  const parts = [at, ...own, metadata].filter((part) => part !== '').map(plain);
  const text = shortened(parts.join('  '), terminalWidth());
  const isAmiss = value.status !== '' && value.status !== 'OK';
  return isAmiss ? styled('yellow', text) : text;
}

const eventParts = ({ eventType, component, value, status }: Event) => [
  eventType,
  component,
  value === undefined ? '' : String(value),
  status,
];

const usageParts = (usage: Usage) => [
  usage.model,
  usage.layer,
  `${usage.inputTokens} in`,
  `${usage.outputTokens} out`,
  usage.costUsd === undefined ? '' : `$${usage.costUsd}`,
  usage.durationMs === undefined ? '' : `${usage.durationMs} ms`,
  usage.status,
];

export const tailCommand = (): Command =>
  apiCommand(
    'tail',
    'records as they are committed, whichever collector stores them',
    [
      new Option('--kind <kind>', 'event, usage or both (default event)'),
      ...recordFlags,
      new Option('--recent <number>', 'begin with so many of those that are there already'),
      new Option('--rate <number>', 'at most so many a second; the rest is skipped (default 500)'),
      jsonFlag('a line of JSON for each'),
    ],
    tail,
  );
