import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
}

/** Structured logs on standard error, one JSON object a line, or readable ones for a terminal. */
export function createLogger(options: LoggerOptions): Logger {
  const destination: DestinationStream =
    options.format === 'pretty'
      ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
      : pino.destination({ dest: 2, sync: true });
  return pino({ level: options.level }, destination);
}
