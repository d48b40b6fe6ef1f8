import type { JsonObject } from '@bufbuild/protobuf';
import type { Tally } from './counters.ts';
import type { Fallback } from './fallback.ts';
import type { Notices } from './notices.ts';
import type { Fallbacks, Settings } from './options.ts';
import type { Sender } from './sender.ts';
import type { Post, Transport } from './transport.ts';

/** What differs between Node and browsers. */
export interface Platform {
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  readonly fallback: Fallbacks;
  readonly host: () => string;
  /** What identifies this process in metadata.resource. */
  readonly resource: () => JsonObject;
  readonly createTransport: (settings: Settings) => Transport;
  readonly createFallback: (settings: Settings, tally: Tally, notices: Notices) => Fallback;
  /** For queries. */
  readonly createPost: () => Post;
  /** Sees to what waits when the process or the page ends; gives the way out of it. */
  readonly beforeEnd: (sender: Sender, settings: Settings) => () => void;
  readonly breathe: () => Promise<void>;
}
