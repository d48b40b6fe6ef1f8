import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Target } from '../../src/commands/api/files/target.ts';
import type { FlatRecord } from '../../src/commands/api/records.ts';
import { rawJSON } from '../../src/query/exact-numbers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

it('leaves nothing of a file that could not be written: it would not have what it is said to', async () => {
  const directory = temporaryDirectory();
  const output = `${directory.path}/usage.parquet`;
  const target = new Target('usage', { output });
  // What no column of Parquet holds.
  const record = { model: 'm', input_tokens: rawJSON('99999999999999999999') } as FlatRecord;
  await target.write([record]);
  await expect(target.end()).rejects.toThrow('INT64');
  await target.leave(1, Date.now());
  expect([existsSync(output), existsSync(`${output}.part`)]).toEqual([false, false]);
  directory.remove();
});
