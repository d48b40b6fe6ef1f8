import { join } from 'node:path';
import { spawnCollector } from '../../../test/support/process.ts';
import { rfcInstalled, startService } from '../rfc-service.ts';
import type { Missing, Peer, Place } from './peer.ts';

const numbers = (place: Place) =>
  place.numbers('select value::int as number from system_telemetry');
const count = (place: Place) => place.count('system_telemetry');

const variants = [
  { title: 'JSON', processes: 1, eventsPerPost: 1, connections: 64 },
  { title: 'JSON, two processes', processes: 2, eventsPerPost: 1, connections: 64 },
  { title: 'JSON by 1,000', processes: 1, eventsPerPost: 1000, connections: 8 },
];

export const ourPeers = (): Peer[] =>
  variants.map(({ title, processes, ...load }) => ({
    name: `gravitas-telemetry, ${title}`,
    acknowledges: 'it is committed, or in the spool, synced; the answer says which',
    settings: processes === 1 ? 'defaults' : `TELEMETRY_PROCESSES=${processes}`,
    kind: 'ours',
    ...load,
    away: 'database',
    start: async ({ url, directory, port }) => {
      const collector = await spawnCollector({
        DATABASE_URL: url,
        TELEMETRY_DATA_DIR: join(directory, 'data'),
        TELEMETRY_PORT: String(port),
        TELEMETRY_PROCESSES: String(processes),
      });
      const stop = async (signal: NodeJS.Signals) => void (await collector.end(signal));
      return { pid: collector.process.pid as number, stop };
    },
    stored: numbers,
    count,
  }));

const rfcBatchRows = 500;

export function rfcPeers(): (Peer | Missing)[] {
  const name = 'The RFC’s own design';
  if (!rfcInstalled()) return [{ name, reason: 'needs Python and bench/.venv' }];
  return [
    {
      name,
      acknowledges: 'it is in a queue in memory',
      settings: `queue of 10,000, batches of ${rfcBatchRows}, uvloop and httptools`,
      kind: 'ours',
      ...{ eventsPerPost: 1, connections: 64, away: 'database' },
      start: async ({ connection, port, numbers: query }) => {
        await query(
          `create table if not exists system_telemetry (id bigserial, event_type varchar(50) not null,
            component varchar(100), value float, metadata jsonb, status varchar(20),
            timestamp timestamp default now())`,
        );
        return await startService(connection, rfcBatchRows, port);
      },
      stored: numbers,
      count,
    },
  ];
}
