import type pg from 'pg';
import { median } from '../support/statistics.ts';
import type { Question } from './questions.ts';

const rounds = 3;

/** What a user would keep who has no rollups: counts and means by the hour, and no quantiles. */
const views = `
  drop materialized view if exists hourly_events, hourly_usage;
  create materialized view hourly_events as
    select date_trunc('hour', "timestamp") as hour, event_type, component, status,
      count(*) as events, count(value) as n, sum(value), min(value), max(value)
    from system_telemetry group by 1, 2, 3, 4;
  create materialized view hourly_usage as
    select date_trunc('hour', "timestamp") as hour, model, project, count(*) as requests,
      sum(cost_usd) as cost_usd, sum(prompt_tokens) as prompt_tokens,
      sum(completion_tokens) as completion_tokens
    from usage_stats group by 1, 2, 3;
  create index on hourly_events (hour);
  create index on hourly_usage (hour);
  analyze hourly_events, hourly_usage`;

/** Seconds that it takes to make the views, as each refresh does. */
export async function createViews(client: pg.ClientBase): Promise<number> {
  const begunMs = performance.now();
  await client.query(views);
  return (performance.now() - begunMs) / 1000;
}

/** Median milliseconds of the same question in plain SQL; undefined where it isn't asked so. */
export async function besideMs(
  client: pg.ClientBase,
  question: Question,
  on: 'rows' | 'hourly',
): Promise<number | undefined> {
  const statement = question[on];
  if (statement === undefined) return undefined;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begunMs = performance.now();
    await client.query(statement);
    times.push(performance.now() - begunMs);
  }
  return median(times);
}
