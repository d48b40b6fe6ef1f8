import { type Command, Option } from 'commander';
import { type ApiRun, apiCommand, type Flags, jsonFlag } from './api-command.ts';
import {
  eventFlags,
  type Kind,
  parametersOf,
  rangeFlags,
  usageFlags,
  wholeOf,
} from './record-flags.ts';
import { type Column, tableLines, write } from './terminal.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of REST, which later releases may add to
type Body = any;

const groupsMax = 1000;

const flagsOf = (names: string, otherwise: string): Option[] => [
  new Option('--by <names>', `a row for each combination of ${names} (default ${otherwise})`),
  new Option('--limit <number>', 'at most so many rows (default 20)'),
  new Option('--period <name>', 'of the calendar: day, week, month, quarter, year, or 2026-11'),
  new Option('--time-zone <name>', 'by which days and weeks begin, such as Europe/Berlin'),
  jsonFlag('the whole answer in JSON'),
];

function question(kind: Kind, flags: Flags, by: string): URLSearchParams {
  const parameters = parametersOf(kind, flags);
  const { period, timeZone } = flags as Record<string, string | undefined>;
  if (period !== undefined) parameters.set('period', period);
  if (timeZone !== undefined) parameters.set('time_zone', timeZone);
  parameters.set('group_by', by);
  parameters.set('limit', String(wholeOf(flags, 'limit', 20, groupsMax)));
  return parameters;
}

const namesIn = (by: string): string[] => by.split(',').map((name) => name.trim());

const stats: ApiRun = async (connection, flags) => {
  const by = String(flags.by ?? 'component,event_type');
  const { text } = await connection.get('/v1/telemetry/stats', question('event', flags, by));
  if (flags.json !== undefined) return void (await write(text.endsWith('\n') ? text : `${text}\n`));
  const body: Body = JSON.parse(text);
  const numbers = ['count', 'mean', 'min', 'max', 'p50', 'p95', 'p99', 'total_tokens'];
  await show(namesIn(by), numbers, rowsOf(body, 'statistics'), (values) => values);
  return undefined;
};

const usage: ApiRun = async (connection, flags) => {
  const by = String(flags.by ?? 'model,layer');
  const parameters = question('usage', flags, by);
  if (flags.compare !== undefined) parameters.set('compare_before', 'true');
  if (flags.forecast !== undefined) parameters.set('forecast', 'true');
  const { text } = await connection.get('/v1/telemetry/usage/summary', parameters);
  if (flags.json !== undefined) return void (await write(text.endsWith('\n') ? text : `${text}\n`));
  const body: Body = JSON.parse(text);
  const numbers = [
    ...['requests', 'errors', 'input_tokens', 'output_tokens', 'cache_hit', 'cost_usd'],
    ...['unpriced', 'p50_ms', 'p95_ms'],
  ];
  await show(namesIn(by), numbers, rowsOf(body, 'totals'), usageNumbers);
  if (body.before?.totals) await write(`before: ${inWords(body.before.totals)}\n`);
  if (body.forecast) await write(`${forecastInWords(body.forecast)}\n`);
  return undefined;
};

const usageNumbers = (totals: Body): Body => ({
  ...totals,
  cache_hit: totals.cache_hit_rate === null ? null : percent(totals.cache_hit_rate),
  p50_ms: totals.duration_ms?.p50,
  p95_ms: totals.duration_ms?.p95,
});

const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${(100 * share).toFixed(1)} %`;

const inWords = (totals: Body): string =>
  `${totals.requests} requests, ${totals.total_tokens} tokens, $${number(totals.cost_usd ?? 0)}`;

function forecastInWords({ end_time, cost_usd, total_tokens, method }: Body): string {
  const range = (forecast: Body) =>
    `${number(forecast.value)} (${number(forecast.low)} to ${number(forecast.high)})`;
  const cost = cost_usd ? `$${range(cost_usd)}, ` : '';
  return `expected by ${end_time}: ${cost}${range(total_tokens)} tokens; ${method}`;
}

/** Rows of groups, what is beyond the limit, and of all together. */
function rowsOf(body: Body, numbers: string): { group: Body; values: Body }[] {
  const groups = (body.groups ?? []).map((each: Body) => ({
    group: each.group,
    values: each[numbers],
  }));
  const more = body.rest
    ? [{ group: { '': `${body.rest_groups} others` }, values: body.rest }]
    : [];
  return [
    ...groups,
    ...more,
    ...(body.total ? [{ group: { '': 'all' }, values: body.total }] : []),
  ];
}

async function show(
  names: readonly string[],
  numbers: readonly string[],
  rows: readonly { group: Body; values: Body }[],
  further: (values: Body) => Body,
): Promise<void> {
  const columns: Column[] = [
    ...names.map((name) => ({ name })),
    ...numbers.map((name) => ({ name, right: true })),
  ];
  const cells = rows.map(({ group, values }) => {
    const shown = further(values);
    const label = group[''];
    const own = names.map((name, index) =>
      label === undefined ? String(group[name] ?? '') : index === 0 ? label : '',
    );
    return [...own, ...numbers.map((name) => number(shown[name]))];
  });
  await write(`${tableLines(columns, cells).join('\n')}\n`);
}

const digits = 4;

/** Short enough for a table: whole numbers in full, others to some digits. */
function number(value: unknown): string {
  if (typeof value !== 'number') return String(value ?? '');
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(digits)));
}

export const statsCommand = (): Command =>
  apiCommand(
    'stats',
    'what values of events add up to, over the last 24 hours unless told otherwise',
    [
      ...eventFlags,
      ...rangeFlags,
      ...flagsOf('component, event_type, status, metadata.<name>', 'component,event_type'),
    ],
    stats,
  );

export const usageSummaryCommand = (): Command =>
  apiCommand(
    'summary',
    'requests, tokens and cost of model calls, over the last 24 hours unless told otherwise',
    [
      ...usageFlags,
      ...rangeFlags,
      ...flagsOf('model, layer, provider, agent, project, team, user and so on', 'model,layer'),
      new Option('--compare', 'say what it was in the period before'),
      new Option('--forecast', 'say what it comes to at the end of the period'),
    ],
    usage,
  );
