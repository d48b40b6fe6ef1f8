import type { Tally } from './counters.ts';
import type { Fallback } from './fallback.ts';
import type { Notices } from './notices.ts';
import type { Fallbacks, Settings, TelemetryOptions } from './options.ts';
import type { Sender } from './sender.ts';
import type { Post, Stream, Transport } from './transport.ts';

/** What differs between Node and browsers. */
export interface Platform {
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  readonly fallback: Fallbacks;
  /** Of options that only this platform has, or that have fewer values here. */
  readonly checks: Readonly<Record<string, (value: unknown) => unknown>>;
  readonly host: () => string;
  /** What identifies this process in metadata.resource. */
  readonly resource: () => Readonly<Record<string, string | number>>;
  readonly createTransport: (
    settings: Settings,
    options: TelemetryOptions,
    notices: Notices,
  ) => Transport;
  readonly createFallback: (settings: Settings, tally: Tally, notices: Notices) => Fallback;
  /** `isBackground`: its requests don't keep the process alive. */
  readonly createPoster: (
    settings: Settings,
    options: TelemetryOptions,
    isBackground: boolean,
  ) => Poster;
  /** Sees to what waits when the process or the page ends; gives the way out of it. */
  readonly beforeEnd: (sender: Sender, settings: Settings) => () => void;
  readonly breathe: () => Promise<void>;
}

/** Sends requests, over connections that it keeps. */
export interface Poster {
  readonly post: Post;
  readonly stream: Stream;
  close(): void;
}
