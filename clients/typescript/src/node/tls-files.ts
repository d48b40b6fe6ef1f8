import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { Settings, TelemetryOptions } from '../options.ts';
import { textOf } from '../texts.ts';

/** What a connection with TLS is made with. Throws what names the option at fault. */
export type Tls = () => ConnectionOptions;

/** Read for each connection, so that files that change are used for the next (clause 3.9). */
export function tlsOf(
  { caFile, clientCertFile, clientKeyFile }: Settings,
  options: TelemetryOptions = {},
): Tls {
  const { tls } = options as { tls?: ConnectionOptions };
  const key = clientKeyFile ?? clientCertFile;
  return () => ({
    ...(caFile && { ca: read('caFile', caFile) }),
    ...(clientCertFile && { cert: read('clientCertFile', clientCertFile) }),
    ...(key && { key: read('clientKeyFile', key) }),
    ...tls,
  });
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`${option}: ${textOf(error)}`);
  }
}
