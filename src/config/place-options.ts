import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { errorMessage } from '../errors.ts';
import { parseAddress } from '../postgres/address.ts';
import { mebibyte } from '../units.ts';
import { memoryThere } from './memory.ts';
import { type Environment, option, wholeNumber } from './option.ts';

/** Where it listens, and where it keeps what it is given. */
export const placeOptions = {
  host: option({
    env: 'TELEMETRY_HOST',
    flag: '--host <address>',
    schema: z.string().min(1, 'expects an address or host name'),
    default: '127.0.0.1',
    description: 'address to listen on; 0.0.0.0 for all',
  }),
  port: option({
    env: 'TELEMETRY_PORT',
    flag: '--port <number>',
    schema: wholeNumber(0, 65_535),
    default: '8002',
    description: 'port for all protocols; 0 for any free one',
  }),
  processes: option({
    env: 'TELEMETRY_PROCESSES',
    flag: '--processes <number>',
    schema: wholeNumber(1, 16),
    default: '1',
    description:
      'processes that share the port; limits, budgets and connections are those of all of them together',
  }),
  databaseUrl: option({
    env: 'DATABASE_URL',
    flag: '--database-url <url>',
    schema: z
      .string()
      .regex(
        /^$|^postgres(ql)?:\/\//,
        'expects a URL such as postgresql://user:password@host:5432/database',
      )
      .superRefine((url, { addIssue }) => {
        try {
          if (url !== '') parseAddress(url);
        } catch (error) {
          addIssue(`it ${errorMessage(error)}`);
        }
      }),
    default: '',
    description: 'URL of a PostgreSQL 15 to 18; empty: an embedded server is started',
    secret: true,
  }),
  dataDirectory: option({
    env: 'TELEMETRY_DATA_DIR',
    flag: '--data-dir <path>',
    schema: z.string().startsWith('/', 'expects an absolute path'),
    default: defaultDataDirectory,
    description: 'absolute path of the directory of the spool and of the embedded PostgreSQL',
  }),
  memoryBytesMax: option({
    env: 'TELEMETRY_MEMORY_BYTES_MAX',
    flag: '--memory-bytes-max <bytes>',
    schema: wholeNumber(64 * mebibyte, 1024 * 1024 * mebibyte),
    default: () => String(memoryThere()),
    description: 'memory that it may plan with, its embedded PostgreSQL included',
  }),
} as const;

function defaultDataDirectory(env: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/gravitas-telemetry';
  const base = env.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return join(base, 'gravitas-telemetry');
}
