import { type DestinationStream, type Logger, pino, type SerializedError } from 'pino';
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
      serializers: { err: withoutRows },
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
  format === 'pretty' ? prettyTo(2) : pino.destination({ dest: 2, sync: true });

/** For people: what is quoted may be anybody's text, and begins no line and moves no cursor. */
export function prettyTo(destination: number | NodeJS.WritableStream): DestinationStream {
  const stream = pretty({
    destination,
    sync: true,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss.l',
    messageFormat: (log, key) => String(log[key] ?? '').replaceAll('\n', '\\n'),
  });
  return { write: (line) => void stream.write(shownControls(line)) };
}

/** A line of JSON in which texts have the names of control characters in place of these. */
const shownControls = (json: string): string =>
  json
    .replace(/[\u007f-\u009f]/g, (sign) => `\\\\x${sign.charCodeAt(0).toString(16)}`)
    .replace(/\\\\|\\(u00[01][0-9a-f]|[rbf])/g, (whole, name) => (name ? `\\\\${name}` : whole));

/** PostgreSQL quotes the row that it refuses, which may hold anything. */
const quoting = ['detail', 'where', 'internalQuery'];

function withoutRows(error: Error): SerializedError {
  const told = pino.stdSerializers.err(error);
  for (const name of quoting) delete told[name];
  return told;
}

/** What tells one failure from another: not which request, batch, port or time had it. */
function keyOf([first, text]: readonly unknown[]): string {
  const isText = typeof first !== 'object' || first === null;
  const { err, part, reason, severity } = (isText ? {} : first) as Record<string, unknown>;
  const cause = err instanceof Error ? err.message : undefined;
  const told = isText ? [first] : [text, part, reason, severity, cause];
  return told
    .filter((each) => each !== undefined)
    .join(': ')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/gi, '…');
}
