import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { otelCollector, otelVersion } from './go-programs.ts';
import { type Missing, type Peer, type Place, startProgram } from './peer.ts';
import { numbersIn } from './sink.ts';

const fileOf = ({ directory }: Place): string => join(directory, 'out.json');
const inFile = (place: Place): number[] =>
  existsSync(fileOf(place)) ? numbersIn(readFileSync(fileOf(place))) : [];

const base = ({ port }: Place) => `
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:${port}
`;

const toFile = (place: Place) => `${base(place)}
exporters:
  file:
    path: ${fileOf(place)}
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    logs: { receivers: [otlp], exporters: [file] }
`;

const toSink = (place: Place) => `${base(place)}
extensions:
  file_storage:
    directory: ${place.directory}/queue
    fsync: true
exporters:
  otlp_http:
    endpoint: ${place.sink.url}
    encoding: json
    compression: none
    retry_on_failure: { initial_interval: 200ms, max_interval: 1s, max_elapsed_time: 0s }
    sending_queue: { storage: file_storage, queue_size: 1000000, num_consumers: 10, block_on_overflow: true }
service:
  extensions: [file_storage]
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_http] }
`;

interface Variant extends Pick<Peer, 'acknowledges' | 'settings' | 'stored' | 'count' | 'away'> {
  readonly title: string;
  readonly configuration: (place: Place) => string;
}

const variants: readonly Variant[] = [
  {
    title: 'file exporter',
    acknowledges: 'it is in the file exporter’s buffer',
    settings: 'no processor between; exporter’s defaults',
    configuration: toFile,
    stored: async (place) => inFile(place),
    count: async (place) => inFile(place).length,
  },
  {
    title: 'persistent queue',
    acknowledges: 'it is in its queue on disk, synced',
    settings: 'file_storage with fsync, queue of 1,000,000, 10 consumers, to a server of OTLP',
    configuration: toSink,
    away: 'sink',
    stored: async ({ sink }) => sink.numbers,
    count: async ({ sink }) => sink.numbers.length,
  },
];

const shapes = [
  { title: 'JSON', eventsPerPost: 1, connections: 64 },
  { title: 'JSON by 1,000', eventsPerPost: 1000, connections: 8 },
];

/** It has no output to PostgreSQL for logs: what it stores is a file, or what a server of OTLP gets. */
export function otelPeers(): (Peer | Missing)[] {
  const found = otelCollector();
  return variants.flatMap(({ title, configuration, ...variant }) =>
    shapes.map(({ title: shape, ...load }) => {
      const name = `OpenTelemetry Collector ${otelVersion}, ${title}, ${shape}`;
      if ('missing' in found) return { name, reason: found.missing };
      return {
        ...{ name, kind: 'otlp', ...load, ...variant },
        start: async (place) => {
          mkdirSync(join(place.directory, 'queue'), { recursive: true });
          const file = join(place.directory, 'otelcol.yaml');
          writeFileSync(file, configuration(place));
          return await startProgram([found.program, '--config', file], place.port);
        },
      } satisfies Peer;
    }),
  );
}
