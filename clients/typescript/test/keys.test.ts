import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry, type TelemetryOptions } from '../src/index.ts';

const [right, small, wrong] = ['the-right-key-of-a-test', 'the-small-key-of-a-test', 'a-wrong-key'];

let database: TestDatabase;
let collector: TestCollector;
beforeAll(async () => {
  database = await createDatabase();
  const keys = `app ingest,query ${right}; small ingest ${small} records_per_second=100`;
  collector = await startCollector({ TELEMETRY_API_KEYS: keys }, database);
});
afterAll(async () => {
  await collector.stop();
  await database.drop();
});

describe.each(['http', 'grpc'] as const)('by %s', (transport) => {
  const client = (token: string, more: TelemetryOptions = {}) => {
    const complaints: string[] = [];
    const telemetry = new Telemetry({
      url: collector.baseUrl,
      transport,
      token,
      spoolDirectory: temporaryDirectory().path,
      logger: { info: () => {}, warn: (...text) => complaints.push(JSON.stringify(text)) },
      ...more,
    });
    return { telemetry, complaints };
  };
  const stored = (component: string) =>
    database.count(`select count(*) from system_telemetry where component = '${component}'`);

  it('delivers with the right key', async () => {
    const { telemetry } = client(right);
    telemetry.log('KEYED', { component: `right ${transport}` });
    expect(await telemetry.close(20)).toMatchObject({ complete: true, delivered: 1 });
    expect(await stored(`right ${transport}`)).toBe(1);
  });

  it('keeps what it has with a wrong one, and does not say which', async () => {
    const { telemetry, complaints } = client(wrong);
    telemetry.log('KEYED', { component: `wrong ${transport}` });
    expect(await telemetry.close(20)).toMatchObject({ complete: true, delivered: 0, spooled: 1 });
    expect(complaints.join()).not.toContain(wrong);
    expect(await stored(`wrong ${transport}`)).toBe(0);
  });

  it('delivers all of what is more than its quota, in time', async () => {
    const { telemetry } = client(small, { batchEventsMax: 50 });
    for (let value = 0; value < 300; value++) {
      telemetry.log('KEYED', { component: `small ${transport}`, value });
    }
    const arrived = async () => {
      await telemetry.flush(1);
      return await stored(`small ${transport}`);
    };
    await expect.poll(arrived, { timeout: 40_000 }).toBe(300);
    expect(telemetry.counters().dropped).toMatchObject({ refused: 0, conflict: 0, unreachable: 0 });
    await telemetry.close();
  }, 60_000);
});
