/**
 * Client of gravitas-telemetry for Node.
 * @packageDocumentation
 */
import type { ConnectionOptions } from 'node:tls';
import { Client } from './client.ts';
import { nodePlatform } from './node/platform.ts';
import type { TelemetryOptions as CommonOptions } from './options.ts';

export type * from './public-types.ts';
export { QueryError } from './query.ts';

/** Options of a client. Those with an environment variable are read with the first record. */
export interface TelemetryOptions extends CommonOptions {
  /** For `https:` addresses: certificates, keys and so on, as `tls.connect` takes them. */
  readonly tls?: ConnectionOptions | undefined;
}

/** A client with options of its own. Nothing is opened or started before its first record. */
export class Telemetry extends Client {
  constructor(options: TelemetryOptions = {}) {
    super(options, nodePlatform);
  }
}

/** The client of the environment's options. */
export const telemetry: Telemetry = new Telemetry();
