import { join, resolve } from 'node:path';
import { diag } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

/** One way of telling a service about an event. */
interface Contender {
  /** What is measured: the cost to the caller. */
  log(value: number): unknown;
  /** Whether it would rather not take more just now. */
  isFull?(): boolean;
  /** What it did with the events, as far as it says. */
  end(): Promise<string>;
}

const metadata = { gpu_id: 0, total_vram_gb: 24.5, used_vram_gb: 11.5 };

/** The package; or its sources, and those of another checkout, which the bench has been given. */
const { BESIDE } = process.env;
type Package = typeof import('gravitas-telemetry-client');
const sourceOf = (checkout: string): Promise<Package> =>
  import(join(resolve(checkout), 'clients/typescript/src/index.ts'));
const own = await (BESIDE
  ? sourceOf(join(import.meta.dirname, '../../..'))
  : import('gravitas-telemetry-client'));
const other = BESIDE ? await sourceOf(BESIDE) : own;

export const contenders = {
  nothing,
  clock: () => single(() => performance.now()),
  copy: () => single(() => ({ ...metadata })),
  append,
  client: client(own, 'http'),
  grpc: client(own, 'grpc'),
  before: client(other, 'http'),
  beforeGrpc: client(other, 'grpc'),
  unsent: client(own, 'http', { batchAgeMsMax: 60_000, batchEventsMax: 10_000 }),
  otel,
  fetch: fetchPerEvent,
} as const;
export type ContenderName = keyof typeof contenders;

/** What the clock that measures costs by itself. */
function nothing(): Contender {
  return single(() => true);
}

/** One of the things that a call does. */
function single(log: () => unknown): Contender {
  return { log, end: async () => '' };
}

/** What copying the metadata and appending the record costs, without a client: the least there is. */
function append(): Contender {
  const queue: object[] = [];
  return {
    log: (value) => {
      const record = { eventType: 'VRAM_CHECK', component: 'L1', value, status: 'OK' };
      if (queue.length === 200) queue.length = 0;
      return queue.push({ ...record, timeMs: Date.now(), metadata: { ...metadata } });
    },
    end: async () => '',
  };
}

function client({ Telemetry }: Package, transport: 'http' | 'grpc', more: object = {}) {
  return (url: string, spoolDirectory: string): Contender => {
    const logger = { info: () => {}, warn: () => {} };
    const telemetry = new Telemetry({ url, spoolDirectory, transport, logger, ...more });
    return {
      log: (value) =>
        telemetry.log('VRAM_CHECK', { component: 'L1', value, metadata, status: 'OK' }),
      isFull: () => {
        const { taken, delivered, spooled } = telemetry.counters();
        return taken - delivered - spooled > 40_000;
      },
      end: async () => {
        await telemetry.close(60);
        const { taken, delivered, spooled, dropped } = telemetry.counters();
        return `taken ${taken}, delivered ${delivered}, spooled ${spooled}, queue full ${dropped.queue_full}`;
      },
    };
  };
}

/** The SDK's own defaults, but for the batch and queue sizes, which are those of the client. */
function otel(url: string): Contender {
  diag.disable();
  const exporter = new OTLPLogExporter({ url: `${url}/v1/logs` });
  const processor = new BatchLogRecordProcessor({
    exporter,
    maxQueueSize: 50_000,
    maxExportBatchSize: 1000,
    scheduledDelayMillis: 200,
  });
  const provider = new LoggerProvider({ processors: [processor] });
  const logger = provider.getLogger('bench');
  return {
    log: (value) =>
      logger.emit({
        body: 'VRAM_CHECK',
        severityText: 'OK',
        attributes: { component: 'L1', value, ...metadata },
      }),
    end: async () => {
      await Promise.race([
        provider.shutdown().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 5000)),
      ]);
      return '';
    },
  };
}

/** What the RFC has in mind: a request for each event, and nobody waits for it. */
function fetchPerEvent(url: string): Contender {
  let failed = 0;
  let succeeded = 0;
  return {
    log: (value) =>
      void fetch(`${url}/v1/telemetry/log`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          event_type: 'VRAM_CHECK',
          component: 'L1',
          value,
          metadata,
          status: 'OK',
        }),
        signal: AbortSignal.timeout(2000),
      })
        .then(
          (answer) => {
            if (answer.ok) succeeded += 1;
            else failed += 1;
            return answer.arrayBuffer();
          },
          () => {
            failed += 1;
          },
        )
        .catch(() => {}),
    end: async () => {
      await new Promise((resolve) => setTimeout(resolve, 2500));
      return `succeeded ${succeeded}, failed ${failed}`;
    },
  };
}
