import { hash } from 'node:crypto';
import type { ByteWriter } from './byte-writer.ts';
import { type FieldType, recordFields } from './fields.ts';
import type { RecordValues } from './record-values.ts';
import type { RecordKind } from './tables.ts';

/** What precedes each part; stored in ledgers through the digest, they never change. */
export const fingerprintTags = { event: 1, usage: 2, malformed: 3, absent: 0, present: 4 } as const;

/** The fields that it is taken of, in this order; they never change either. */
const contents: Readonly<Record<RecordKind, readonly string[]>> = {
  event: ['event_type', 'component', 'value', 'status', 'timestamp'],
  usage: [
    'model',
    'layer',
    'provider',
    'operation',
    'input_tokens',
    'output_tokens',
    'cached_tokens',
    'reasoning_tokens',
    'duration_ms',
    'cost_usd',
    'ghost_id',
    'shell_id',
    'timestamp',
  ],
};

interface Part {
  readonly slot: number;
  readonly type: FieldType;
}

function parts(kind: RecordKind): readonly Part[] {
  return contents[kind].map((name) => {
    const slot = recordFields[kind].findIndex((field) => field.name === name);
    return { slot, type: (recordFields[kind][slot] as { type: FieldType }).type };
  });
}

const partsOf = { event: parts('event'), usage: parts('usage') };

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

  record({ kind, values }: RecordValues): void {
    this.#content.uint8(fingerprintTags[kind]);
    for (const { slot, type } of partsOf[kind]) {
      const value = values[slot];
      if (type === 'text') this.#content.text(value as string);
      else if (type === 'count') this.#content.float64(value as number);
      else this.#number(value as number | undefined);
    }
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
