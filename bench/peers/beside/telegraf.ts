import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { telegraf, telegrafVersion } from './go-programs.ts';
import { type Missing, type Peer, type Place, startProgram } from './peer.ts';

interface Variant {
  readonly title: string;
  readonly format: 'json' | 'influx';
  readonly eventsPerPost: number;
  readonly connections: number;
  readonly buffer: 'memory' | 'disk';
}

const variants: readonly Variant[] = [
  { title: 'JSON', format: 'json', eventsPerPost: 1, connections: 64, buffer: 'memory' },
  {
    title: 'JSON, buffer on disk',
    format: 'json',
    eventsPerPost: 1,
    connections: 64,
    buffer: 'disk',
  },
  {
    title: 'line protocol',
    format: 'influx',
    eventsPerPost: 1000,
    connections: 8,
    buffer: 'memory',
  },
];

/** Large batches over one connection store most; a second one gains nothing. */
const configuration = (place: Place, { format, buffer }: Variant) => `
[agent]
  interval = "1s"
  flush_interval = "200ms"
  metric_batch_size = 10000
  metric_buffer_limit = 1000000
  omit_hostname = true
  quiet = true
  ${buffer === 'disk' ? `buffer_strategy = "disk"\n  buffer_directory = "${place.directory}/buffer"` : ''}
[[inputs.http_listener_v2]]
  service_address = "tcp://127.0.0.1:${place.port}"
  paths = ["/telemetry"]
  max_body_size = "16MB"
  name_override = "telemetry"
  data_format = "${format}"
  ${format === 'json' ? 'tag_keys = ["event_type", "component", "model"]\n  json_string_fields = ["status"]' : ''}
[[outputs.postgresql]]
  connection = "host=${place.connection.host} user=${place.connection.user} dbname=${place.connection.database} pool_max_conns=1"
  log_level = "error"
`;

export function telegrafPeers(): (Peer | Missing)[] {
  const found = telegraf();
  return variants.map((variant) => {
    const { title, format, eventsPerPost, connections, buffer } = variant;
    const name = `Telegraf ${telegrafVersion}, ${title}`;
    if ('missing' in found) return { name, reason: found.missing };
    return {
      name,
      acknowledges:
        buffer === 'memory'
          ? 'it is in memory'
          : 'it is in memory, or in a file that is not synced',
      settings:
        'metric_buffer_limit 1,000,000, metric_batch_size 10,000, flush_interval 200 ms, pool_max_conns 1' +
        (buffer === 'disk' ? ', buffer_strategy disk' : ''),
      kind: format === 'json' ? 'json' : 'lines',
      eventsPerPost,
      connections,
      away: 'database',
      start: async (place) => {
        mkdirSync(join(place.directory, 'buffer'), { recursive: true });
        const file = join(place.directory, 'telegraf.conf');
        writeFileSync(file, configuration(place, variant));
        return await startProgram([found.program, '--config', file], place.port);
      },
      stored: (place) => place.numbers('select value::int as number from telemetry'),
      count: (place) => place.count('telemetry'),
    } satisfies Peer;
  });
}
