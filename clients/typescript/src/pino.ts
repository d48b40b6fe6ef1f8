import build from 'pino-abstract-transport';
import { Telemetry, type TelemetryOptions } from './index.ts';
import { ownPrefix } from './notices.ts';

/** Options of the transport: those of the client, and how records become events. */
export interface PinoTransportOptions extends TelemetryOptions {
  /** Event type of the records: `LOG`. */
  readonly eventType?: string;
}

interface PinoRecord extends Record<string, unknown> {
  readonly level: number;
  readonly time?: number;
  readonly name?: string;
  readonly msg?: string;
}

/**
 * Transport for pino, `pino.transport({ target: 'gravitas-telemetry-client/pino', options })`:
 * each record becomes an event, its logger's name the component, its level the status, its number
 * `value` the value, its message and the rest metadata. Runs in pino's worker thread.
 */
export default async function transport(options: PinoTransportOptions = {}) {
  const { eventType = 'LOG', ...client } = options;
  const telemetry = new Telemetry(client);
  const log = ({ level, time, name, value, msg: message, ...rest }: PinoRecord) => {
    if (message?.startsWith(ownPrefix)) return;
    const { pid: _, hostname: __, ...metadata } = rest;
    telemetry.log(eventType, {
      component: name,
      value: typeof value === 'number' ? value : undefined,
      status: statusOf(level),
      timestamp: time,
      metadata: { message, ...metadata },
    });
  };
  return build(
    async (source) => {
      for await (const record of source) log(record as PinoRecord);
    },
    { close: async () => void (await telemetry.close()) },
  );
}

/** Levels as pino numbers them. */
function statusOf(level: number): string {
  if (level >= 60) return 'FATAL';
  if (level >= 50) return 'ERROR';
  if (level >= 40) return 'WARNING';
  if (level >= 30) return 'INFO';
  return level >= 20 ? 'DEBUG' : 'TRACE';
}
