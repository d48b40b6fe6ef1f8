import { isIPv6 } from 'node:net';
import type { ServiceError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { RequestError } from '../serve/request-error.ts';
import { minuteMs } from '../units.ts';

/** Addresses that are remembered; past it, those that were quiet for longest are forgotten. */
const addressesMax = 10_000;
/** Lines of the log for one address and minute. */
const linesMax = 5;

interface Attempts {
  beganAt: number;
  count: number;
}

/** Wrong keys, by the address that they come from: logged a few times, and answered not for ever. */
export class FailedAttempts {
  readonly #perMinuteMax: number;
  readonly #logger: Logger;
  readonly #byAddress = new Map<string, Attempts>();

  constructor(perMinuteMax: number, logger: Logger) {
    this.#perMinuteMax = perMinuteMax;
    this.#logger = logger;
  }

  /** Notes an attempt; gives the error that its sender is told. `keyId`: what may be logged of the key. */
  fail(address: string, reason: string, keyId?: string): ServiceError {
    const attempts = this.#of(networkOf(address));
    attempts.count += 1;
    if (attempts.count <= linesMax) {
      this.#logger.warn({ address, reason, key_id: keyId }, 'a key is refused');
    } else if (attempts.count === linesMax + 1) {
      this.#logger.warn({ address }, 'further keys from this address are refused, and not logged');
    }
    if (attempts.count <= this.#perMinuteMax) return unauthenticated(reason, 'invalid_token');
    const retryDelayMs = Math.max(1000, attempts.beganAt + minuteMs - performance.now());
    const text = 'too many wrong keys came from this address';
    return new RequestError('overloaded', 'attempts', text, { retryDelayMs });
  }

  #of(network: string): Attempts {
    const now = performance.now();
    const known = this.#byAddress.get(network);
    if (known && now - known.beganAt < minuteMs) return known;
    const attempts = { beganAt: now, count: 0 };
    this.#byAddress.delete(network);
    this.#byAddress.set(network, attempts);
    const [oldest = ''] = this.#byAddress.keys();
    if (this.#byAddress.size > addressesMax) this.#byAddress.delete(oldest);
    return attempts;
  }
}

/** Whoever has an IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = ''] = address.split('::');
  return head.split(':').slice(0, 4).join(':');
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-3 */
export function unauthenticated(text: string, error?: string): ServiceError {
  const challenge = `Bearer realm="gravitas-telemetry"${error ? `, error="${error}"` : ''}`;
  const headers = { 'www-authenticate': challenge };
  return new RequestError('unauthenticated', 'unauthenticated', text, { headers });
}
