import { expect } from 'vitest';
import type { TestDatabase } from '../../../../test/support/database.ts';

/** The values of a component's events, in order. */
async function valuesOf(database: TestDatabase, component: string): Promise<number[]> {
  const rows = await database.rows<{ value: number }>(
    'select value from system_telemetry where component = $1 order by value',
    [component],
  );
  return rows.map(({ value }) => value);
}

/** Waits until all are there, and sees that each is there once. */
export async function expectOnce(
  database: TestDatabase,
  component: string,
  values: readonly number[],
): Promise<void> {
  const count = async () => (await valuesOf(database, component)).length;
  await expect.poll(count, { timeout: 20_000 }).toBeGreaterThanOrEqual(values.length);
  expect(await valuesOf(database, component)).toEqual(values);
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
