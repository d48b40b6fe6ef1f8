import * as z from 'zod';
import { fileOrNone, option, wholeNumber } from './option.ts';

const scopeNames = ['ingest', 'query', 'admin'] as const;

/** `auto`, `none`, or some of the scopes. */
function scopeList() {
  const isScope = (text: string) => scopeNames.some((name) => name === text);
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine(
      (parts) =>
        parts.every(isScope) || (parts.length === 1 && ['auto', 'none'].includes(parts[0] ?? '')),
      'expects auto, none, or a list of ingest, query and admin',
    )
    .transform((parts) =>
      parts[0] === 'auto' ? ('auto' as const) : scopeNames.filter((name) => parts.includes(name)),
    );
}

/** Who may do what. */
export const keyOptions = {
  apiKeys: option({
    env: 'TELEMETRY_API_KEYS',
    flag: '--api-keys <list>',
    schema: z.string().regex(/^$|\S\s+\S+\s+\S/, 'expects keys such as app ingest,query <secret>'),
    default: '',
    description: 'API keys, separated by semicolons: name, scopes and secret of each',
    secret: true,
  }),
  apiKeysFile: option({
    env: 'TELEMETRY_API_KEYS_FILE',
    flag: '--api-keys-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'absolute path of a file with such keys, one a line, which is read again when it changes',
  }),
  anonymousScopes: option({
    env: 'TELEMETRY_ANONYMOUS_SCOPES',
    flag: '--anonymous-scopes <list>',
    schema: scopeList(),
    default: 'auto',
    description:
      'what everybody may do without a key; auto: everything as long as there is no key and it listens on loopback only',
  }),
  failedAttemptsMax: option({
    env: 'TELEMETRY_FAILED_ATTEMPTS_MAX',
    flag: '--failed-attempts-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '200',
    description: 'wrong keys a minute from one address that are answered as such',
  }),
} as const;
