import * as z from 'zod';
import { fileOrNone, oneOf, option } from './option.ts';

/** What browsers call the origin of a page, such as https://telemetry.example:8443. */
const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+\/?$/i;

const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .transform((listed) => listed.filter((origin) => origin !== ''))
  .refine(
    (listed) => listed.every((each) => /^(\*|null)$/.test(each) || originPattern.test(each)),
    'expects * or origins such as https://dashboard.example, apart by commas',
  )
  .transform((listed) => listed.map(originAsSent));

/** Browsers leave out the port that a scheme has anyway, and write in lower case. */
function originAsSent(text: string): string {
  return /^https?:/i.test(text) ? new URL(text).origin : text.replace(/\/$/, '').toLowerCase();
}

/** Encryption, and pages of other sites. */
export const tlsOptions = {
  tlsCertFile: option({
    env: 'TELEMETRY_TLS_CERT_FILE',
    flag: '--tls-cert-file <path>',
    schema: fileOrNone,
    default: '',
    description: 'certificate in PEM, with those between it and its authority; empty: no TLS',
  }),
  tlsKeyFile: option({
    env: 'TELEMETRY_TLS_KEY_FILE',
    flag: '--tls-key-file <path>',
    schema: fileOrNone,
    default: '',
    description: 'its private key in PEM',
  }),
  tlsKeyPassword: option({
    env: 'TELEMETRY_TLS_KEY_PASSWORD',
    flag: '--tls-key-password <text>',
    schema: z.string().max(1024, 'expects a text of at most 1024 characters'),
    default: '',
    description: 'password of an encrypted key',
    secret: true,
  }),
  tlsClientCaFile: option({
    env: 'TELEMETRY_TLS_CLIENT_CA_FILE',
    flag: '--tls-client-ca-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'authorities in PEM for certificates of clients; empty: clients are asked for none',
  }),
  tlsClientAuth: option({
    env: 'TELEMETRY_TLS_CLIENT_AUTH',
    flag: '--tls-client-auth <mode>',
    schema: oneOf(['require', 'optional']),
    default: 'require',
    description: 'whether clients need a certificate by these; one by others is refused anyway',
  }),
  tlsMinVersion: option({
    env: 'TELEMETRY_TLS_MIN_VERSION',
    flag: '--tls-min-version <version>',
    schema: oneOf(['1.2', '1.3']),
    default: '1.2',
    description: 'least version of TLS',
  }),
  tlsPlainText: option({
    env: 'TELEMETRY_TLS_PLAIN_TEXT',
    flag: '--tls-plain-text <mode>',
    schema: oneOf(['refuse', 'allow']),
    default: 'refuse',
    description: 'what becomes of plain text on the port that has TLS',
  }),
  corsOrigins: option({
    env: 'TELEMETRY_CORS_ORIGINS',
    flag: '--cors-origins <list>',
    schema: origins,
    default: '',
    description:
      'origins of other sites whose pages may send and read, apart by commas; * for all; empty: none',
  }),
} as const;
