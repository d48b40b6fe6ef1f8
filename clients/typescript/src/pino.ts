import type { Writable } from 'node:stream';
import { workerData } from 'node:worker_threads';
import build from 'pino-abstract-transport';
import { Telemetry, type TelemetryOptions } from './index.ts';
import { nodePlatform } from './node/platform.ts';
import { ownPrefix } from './notices.ts';
import { isOption } from './option-checks.ts';
import { eventOf, messageOf, type PinoShape } from './pino-record.ts';

/** Options of the transport: those of the client, and how records become events. */
export interface PinoTransportOptions extends TelemetryOptions {
  /** Event type of the records: `LOG`. */
  readonly eventType?: string;
  /** As given to pino, which says so itself since version 9. */
  readonly messageKey?: string;
  /** As given to pino: what is below that key is logged as if it were not. */
  readonly nestedKey?: string;
}

/** What pino's worker knows of the logger's own options. */
interface Configured {
  readonly messageKey?: string;
  readonly levels?: { readonly labels?: Readonly<Record<string, string>> };
}

/**
 * Transport for pino, `pino.transport({ target: 'gravitas-telemetry-client/pino', options })`:
 * each record becomes an event, its logger's name the component, its level the status, its number
 * `value` the value, its message and the rest metadata. Runs in pino's worker thread, which nothing
 * that is logged ends.
 */
export default async function transport(options: PinoTransportOptions = {}) {
  const { eventType = 'LOG', messageKey, nestedKey, ...rest } = options;
  const telemetry = new Telemetry(clientOptions(rest));
  const log = (record: unknown, shape: PinoShape) => {
    if (typeof record !== 'object' || record === null) return;
    try {
      if (messageOf(record, shape)?.startsWith(ownPrefix)) return;
      telemetry.log(eventType, eventOf(record as Record<string, unknown>, shape));
    } catch {
      // Whatever it is: thrown here it would end the worker.
    }
  };
  return build(
    async (source) => {
      const end = endLater(source);
      const configured = source as Configured;
      const shape = {
        nestedKey,
        messageKey: messageKey ?? configured.messageKey,
        levels: configured.levels?.labels,
      };
      for await (const record of source) log(record, shape);
      await telemetry.close();
      end();
    },
    {
      close: async () => void (await telemetry.close()),
      // Older releases of pino don't tell, and are turned away where they should.
      expectPinoConfig: workerData?.workerData?.pinoWillSendConfig === true,
    },
  );
}

/**
 * The stream is finished when that has been called, and not when all lines have been put into it: a
 * pipeline of pino's waits for no more, and ends the worker.
 */
function endLater(stream: Writable): () => void {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const final = stream._final.bind(stream);
  stream._final = (finished) => final((error) => void ended.then(() => finished(error)));
  return end;
}

/** pino's worker adds options of its own to them, others in each release. */
function clientOptions(options: TelemetryOptions): TelemetryOptions {
  const known = Object.entries(options).filter(([name]) => isOption(name, nodePlatform.checks));
  return Object.fromEntries(known);
}
