import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { spawnCollector } from '../support/process.ts';

const mebibyte = 1024 * 1024;

it('survives messages of the largest size that are nothing but empty records', async () => {
  const database = await createDatabase();
  const collector = await spawnCollector({ DATABASE_URL: database.url });
  // Field 2, a length of 0: two bytes a record, of which each becomes an object.
  const body = Buffer.from(Uint16Array.from({ length: mebibyte }, () => 0x00_12).buffer);
  const answers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const response = await fetch(
        `${collector.baseUrl}/gravitas.telemetry.v1.IngestService/LogBatch`,
        { method: 'POST', headers: { 'content-type': 'application/proto' }, body },
      );
      return { status: response.status, body: await response.json() };
    }),
  );
  const read = answers.filter(({ status }) => status === 400);
  expect(read.length).toBeGreaterThan(0);
  for (const { body: answer } of read) {
    expect(answer).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('1048576 records'),
    });
  }
  // Whoever waited for too long behind the others is put off.
  for (const answer of answers.filter(({ status }) => status !== 400)) {
    expect(answer).toMatchObject({ status: 429, body: { code: 'resource_exhausted' } });
  }
  expect(await collector.end('SIGTERM')).toBe(0);
  await database.drop();
});
