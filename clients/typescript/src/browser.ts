/**
 * Client of gravitas-telemetry for browsers.
 * @packageDocumentation
 */
import { browserPlatform } from './browser/platform.ts';
import { Client } from './client.ts';
import type { TelemetryOptions } from './options.ts';

export type { TelemetryOptions } from './options.ts';
export type * from './public-types.ts';
export { QueryError } from './query.ts';

/** A client with options of its own. Nothing is opened or started before its first record. */
export class Telemetry extends Client {
  constructor(options: TelemetryOptions = {}) {
    super(options, browserPlatform);
  }
}

/** The client of the page: it sends to the page's own origin. */
export const telemetry: Telemetry = new Telemetry();
