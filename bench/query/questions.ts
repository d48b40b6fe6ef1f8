/** A question of a dashboard, and how else one would ask it. */
export interface Question {
  /** By its name over HTTP. */
  readonly ask: string;
  /** p95 that is wanted, warm. */
  readonly wantedMs?: number;
  /** The same in plain SQL on the rows. */
  readonly rows?: string;
  /** The same on `hourly_events` and `hourly_usage`, as far as these know it. */
  readonly hourly?: string;
}

const latest = (condition: string, table = 'system_telemetry') =>
  `select * from ${table} where ${condition} order by "timestamp" desc limit 100`;
const last = (hours: number) => `"timestamp" >= now() - interval '${hours} hours'`;
const lastHours = (hours: number) => `hour >= now() - interval '${hours} hours'`;
const ofType = `event_type = 'EVENT_TYPE_0'`;
const totals = 'count(*), avg(value), min(value), max(value)';
const quantiles = 'percentile_cont(array[0.5, 0.95, 0.99]) within group (order by value)';
const statistics = (groupBy: string, condition: string, order = '') =>
  `select ${groupBy}, ${totals}, ${quantiles}
   from system_telemetry where ${condition} group by ${groupBy} ${order}`;
const means = (groupBy: string, condition: string, order = '') =>
  `select ${groupBy}, sum(events), sum(sum) / nullif(sum(n), 0), min(min), max(max)
   from hourly_events where ${condition} group by ${groupBy} ${order}`;
const top = 'order by 2 desc limit 10';
const overTime = (width: string, what: string, condition: string) =>
  `select date_bin('${width}', "timestamp", 'epoch'), ${what}, ${totals}
   from system_telemetry where ${condition} group by 1, 2`;
const overHours = (width: string, what: string, condition: string) =>
  `select date_bin('${width}', hour, 'epoch'), ${what}, sum(events), sum(sum) / nullif(sum(n), 0)
   from hourly_events where ${condition} group by 1, 2`;
const sums = 'sum(cost_usd), sum(prompt_tokens), sum(completion_tokens)';
const usage = (column: string, table: string, time: string) => `
  select ${column}, sum(${table === 'usage_stats' ? '1' : 'requests'}), ${sums}
  from ${table} where ${time} >= now() - interval '1440 hours'
  group by ${column}, ${time} >= now() - interval '720 hours'`;
const beside = (column: string) => ({
  rows: usage(column, 'usage_stats', '"timestamp"'),
  hourly: usage(column, 'hourly_usage', 'hour'),
});
const spent = (unit: string, since: string, what: string) => ({
  rows: `select date_trunc('${unit}', "timestamp") as at, ${what}, count(*), ${sums}
    from usage_stats where "timestamp" >= date_trunc('${since}', now()) - interval '1 ${since}'
    group by 1, 2`,
  hourly: `select date_trunc('${unit}', hour) as at, ${what}, sum(requests), ${sums}
    from hourly_usage where hour >= date_trunc('${since}', now()) - interval '1 ${since}'
    group by 1, 2`,
});

/** What dashboards ask; the name of each row of the table. */
export const questions: Readonly<Record<string, Question>> = {
  'latest events': { ask: 'events?limit=100', wantedMs: 15, rows: latest('true') },
  'latest events of a frequent component': {
    ask: 'events?component=component-0&limit=100',
    wantedMs: 15,
    rows: latest(`component = 'component-0'`),
  },
  'latest events of a rare component and type': {
    ask: 'events?component=component-50&event_type=EVENT_TYPE_19&limit=100',
    wantedMs: 15,
    rows: latest(`component = 'component-50' and event_type = 'EVENT_TYPE_19'`),
  },
  'latest events of a component that has none': {
    ask: 'events?component=nobody&limit=100',
    wantedMs: 15,
    rows: latest(`component = 'nobody'`),
  },
  'latest events of an absent type': {
    ask: 'events?event_type=ABSENT&limit=100',
    wantedMs: 30,
    rows: latest(`event_type = 'ABSENT'`),
  },
  'latest usage records': {
    ask: 'usage/records?limit=100',
    wantedMs: 15,
    rows: latest('true', 'usage_stats'),
  },
  'usage records of a user': {
    ask: 'usage/records?user=user-400&limit=100',
    wantedMs: 15,
    rows: latest(`user_id = 'user-400'`, 'usage_stats'),
  },
  'statistics by component, 24 h': {
    ask: 'stats?hours=24&group_by=component',
    wantedMs: 100,
    rows: statistics('component', last(24)),
    hourly: means('component', lastHours(24)),
  },
  'statistics by component, 7 d': {
    ask: 'stats?hours=168&group_by=component',
    wantedMs: 100,
    rows: statistics('component', last(168)),
    hourly: means('component', lastHours(168)),
  },
  'statistics by component, 60 d': {
    ask: 'stats?hours=1440&group_by=component',
    wantedMs: 150,
    rows: statistics('component', last(1440)),
    hourly: means('component', lastHours(1440)),
  },
  'statistics by component and type, 60 d': {
    ask: 'stats?hours=1440&group_by=component,event_type',
    wantedMs: 1000,
    rows: statistics('component, event_type', last(1440)),
    hourly: means('component, event_type', lastHours(1440)),
  },
  'top ten of a type, 7 d': {
    ask: 'stats?hours=168&event_type=EVENT_TYPE_0&group_by=component&limit=10',
    wantedMs: 100,
    rows: statistics('component', `${ofType} and ${last(168)}`, top),
    hourly: means('component', `${ofType} and ${lastHours(168)}`, top),
  },
  'by status, 24 h': {
    ask: 'stats?hours=24&group_by=status&event_type=EVENT_TYPE_0',
    wantedMs: 100,
    rows: statistics('status', `${ofType} and ${last(24)}`),
    hourly: means('status', `${ofType} and ${lastHours(24)}`),
  },
  'histogram, 24 h': {
    ask: 'stats?hours=24&event_type=EVENT_TYPE_0&group_by=component&limit=50&histogram_buckets=40',
    wantedMs: 100,
    rows: `select component, width_bucket(ln(value), 0, 6, 40), count(*) from system_telemetry
      where ${ofType} and ${last(24)} and value > 0 group by 1, 2`,
  },
  'all, beside before, 6 h': {
    ask: 'stats?hours=6&event_type=EVENT_TYPE_0&compare_before=true',
    wantedMs: 100,
    rows: statistics(last(6), `${ofType} and ${last(12)}`),
    hourly: means(lastHours(6), `${ofType} and ${lastHours(12)}`),
  },
  'events over time by type, 1 h': {
    ask: 'timeseries?hours=1&group_by=event_type',
    wantedMs: 100,
    rows: overTime('30 seconds', 'event_type', last(1)),
  },
  'events over time by type, 24 h': {
    ask: 'timeseries?hours=24&group_by=event_type',
    wantedMs: 100,
    rows: overTime('15 minutes', 'event_type', last(24)),
    hourly: overHours('1 hour', 'event_type', lastHours(24)),
  },
  'events over time by component, 7 d': {
    ask: 'timeseries?hours=168&event_type=EVENT_TYPE_0&group_by=component&limit=50',
    wantedMs: 100,
    rows: overTime('2 hours', 'component', `${ofType} and ${last(168)}`),
    hourly: overHours('2 hours', 'component', `${ofType} and ${lastHours(168)}`),
  },
  'events over time, 60 d by day of a zone': {
    ask: 'timeseries?hours=1440&width=1d&time_zone=Asia/Kolkata',
    rows: `select date_trunc('day', "timestamp", 'Asia/Kolkata'), ${totals}, ${quantiles}
      from system_telemetry where ${last(1440)} group by 1`,
  },
  'usage by model, 30 d beside 30 d': {
    ask: 'usage/summary?hours=720&group_by=model&compare_before=true',
    wantedMs: 100,
    ...beside('model'),
  },
  'usage by project, 30 d beside 30 d': {
    ask: 'usage/summary?hours=720&group_by=project&compare_before=true',
    wantedMs: 100,
    ...beside('project'),
  },
  'usage by user, 30 d': {
    ask: 'usage/summary?hours=720&group_by=user',
    rows: `select user_id, count(*), ${sums} from usage_stats where ${last(720)} group by 1`,
  },
  'spend of today by hour': {
    ask: 'usage/summary?period=day&width=1h&compare_before=true',
    wantedMs: 100,
    ...spent('hour', 'day', `'all'`),
  },
  'spend of the month by day and model, with forecast': {
    ask: 'usage/summary?period=month&width=1d&group_by=model&compare_before=true&forecast=true',
    ...spent('day', 'month', 'model'),
  },
  'counts and means by component and day, 60 d': {
    ask: 'trends?days=60&event_type=EVENT_TYPE_0',
    wantedMs: 100,
    rows: `select component, date_trunc('day', "timestamp"), count(*), avg(value)
      from system_telemetry where ${ofType} and ${last(1440)} group by 1, 2`,
    hourly: means(`component, date_trunc('day', hour)`, `${ofType} and ${lastHours(1440)}`),
  },
  dimensions: { ask: 'dimensions' },
  footprint: { ask: 'footprint' },
  service: { ask: 'service' },
};
