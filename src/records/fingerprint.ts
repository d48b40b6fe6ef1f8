import { hash } from 'node:crypto';
import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import type { ByteWriter } from './byte-writer.ts';
import { timestampUs } from './validate.ts';

/** What precedes each part; stored in ledgers through the digest, they never change. */
export const fingerprintTags = { event: 1, usage: 2, malformed: 3, absent: 0, present: 4 } as const;

/**
 * Says whether two batches have the same content, however each was encoded: counts, types,
 * components, values, statuses and client times. Taken before validation, so that an answer can
 * be repeated whatever the rules have become by then. Its definition is stored in ledgers: it
 * never changes.
 */
export class Fingerprint {
  readonly #content: ByteWriter;

  /** `content`: where what the digest is taken of is gathered. */
  constructor(content: ByteWriter) {
    content.restart();
    this.#content = content;
  }

  event(event: Event): void {
    this.#content.uint8(fingerprintTags.event);
    this.#content.text(event.eventType);
    this.#content.text(event.component);
    this.#number(event.value);
    this.#content.text(event.status);
    this.#number(event.timestamp && timestampUs(event.timestamp));
  }

  usage(usage: Usage): void {
    this.#content.uint8(fingerprintTags.usage);
    for (const text of [usage.model, usage.layer, usage.provider, usage.operation]) {
      this.#content.text(text);
    }
    for (const tokens of [
      usage.inputTokens,
      usage.outputTokens,
      usage.cachedTokens,
      usage.reasoningTokens,
    ]) {
      this.#content.float64(Number(tokens));
    }
    this.#number(usage.durationMs);
    this.#number(usage.costUsd);
    this.#content.text(usage.ghostId);
    this.#content.text(usage.shellId);
    this.#number(usage.timestamp && timestampUs(usage.timestamp));
  }

  malformed(): void {
    this.#content.uint8(fingerprintTags.malformed);
  }

  /** 16 bytes of SHA-256. */
  digest(): Uint8Array {
    return hash('sha256', this.#content.bytes(), 'buffer').subarray(0, 16);
  }

  #number(value: number | undefined): void {
    this.#content.uint8(value === undefined ? fingerprintTags.absent : fingerprintTags.present);
    if (value === undefined) return;
    // JSON writes negative zero as 0 and knows one NaN: so do we.
    this.#content.float64(Number.isNaN(value) ? Number.NaN : value + 0);
  }
}
