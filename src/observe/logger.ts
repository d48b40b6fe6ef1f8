import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

import { Repeats } from './repeats.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
}

/** From here on a failure may come with every request. */
const warnLevel = pino.levels.values.warn as number;

/**
 * Structured logs on standard error, one JSON object a line, or readable ones for a terminal. What
 * fails again and again is summed up.
 */
export function createLogger(options: LoggerOptions, to?: DestinationStream): Logger {
  const repeats = new Repeats((message, times) =>
    logger.warn({ times, message }, 'repeated in the last minute, beyond what is logged above'),
  );
  const logger = pino(
    {
      level: options.level,
      hooks: {
        logMethod(args, method, level) {
          if (level < warnLevel || repeats.admits(keyOf(args))) method.apply(this, args);
        },
      },
    },
    to ?? destinationOf(options),
  );
  return logger;
}

const destinationOf = ({ format }: LoggerOptions): DestinationStream =>
  format === 'pretty'
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
    : pino.destination({ dest: 2, sync: true });

/** What tells one failure from another: not which request or batch had it. */
function keyOf([first, text]: readonly unknown[]): string {
  if (typeof first !== 'object' || first === null) return String(first);
  const { err, part, reason, severity } = first as Record<string, unknown>;
  const cause = err instanceof Error ? err.message : undefined;
  return [text, part, reason, severity, cause].filter((each) => each !== undefined).join(': ');
}
