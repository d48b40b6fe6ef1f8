import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** See certificates/make.py. */
const directory = new URL('certificates/tls', import.meta.url).pathname;

/** `ca` is the authority of all but `stranger`, which is by `other-ca`. */
export type CertificateName =
  | 'ca'
  | 'other-ca'
  | 'server'
  | 'renewed'
  | 'locked'
  | 'elsewhere'
  | 'expired'
  | 'client'
  | 'stranger';

export const certificateFile = (name: CertificateName): string => join(directory, `${name}.crt`);
export const keyFile = (name: CertificateName): string => join(directory, `${name}.key`);
export const certificateOf = (name: CertificateName): Buffer => readFileSync(certificateFile(name));
export const keyOf = (name: CertificateName): Buffer => readFileSync(keyFile(name));

/** The environment of a collector with a certificate. */
export const tlsEnvironment = (name: CertificateName = 'server'): Record<string, string> => ({
  TELEMETRY_TLS_CERT_FILE: certificateFile(name),
  TELEMETRY_TLS_KEY_FILE: keyFile(name),
});
