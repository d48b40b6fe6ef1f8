import { sha256Start } from '../sha256.ts';
import type { ByteWriter } from './byte-writer.ts';
import { type FieldType, recordFields, slotOf } from './fields.ts';
import type { FieldValue, RecordValues } from './record-values.ts';
import { byKind, type RecordKind } from './tables.ts';

/** What precedes each part; stored in ledgers through the digest, they never change. */
export const fingerprintTags = {
  event: 1,
  usage: 2,
  malformed: 3,
  absent: 0,
  present: 4,
  more: 5,
} as const;

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

/**
 * Fields that came later. Only those that a record has are in its fingerprint, each behind its
 * place in this list: one without any has that of the releases that knew none. The list grows at
 * its end.
 */
const laterContents: Readonly<Record<RecordKind, readonly string[]>> = {
  event: [],
  usage: [
    'cache_write_tokens',
    'cache_write_1h_tokens',
    'session_id',
    'response_id',
    'request_id',
    'agent',
    'user_id',
    'team',
    'project',
    'trace_id',
    'span_id',
    'time_to_first_token_ms',
    'status',
    'error_type',
    'service_tier',
    'cost_source',
    'usage_rule',
  ],
};

interface Part {
  readonly slot: number;
  readonly type: FieldType;
}

function parts(kind: RecordKind, names: readonly string[]): readonly Part[] {
  return names.map((name) => {
    const slot = slotOf(kind, name);
    return { slot, type: (recordFields[kind][slot] as { type: FieldType }).type };
  });
}

const partsOf = byKind((kind) => parts(kind, contents[kind]));
const laterPartsOf = byKind((kind) => parts(kind, laterContents[kind]));

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
    this.#content = content;
    this.restart();
  }

  /** Forgets what it was taken of. */
  restart(): void {
    this.#content.restart();
  }

  record({ kind, values }: RecordValues): void {
    this.#content.uint8(fingerprintTags[kind]);
    for (const { slot, type } of partsOf[kind]) {
      this.#part(type, values[slot]);
    }
    const later = laterPartsOf[kind];
    for (let index = 0; index < later.length; index++) {
      const { slot, type } = later[index] as Part;
      const value = values[slot];
      if (value === '' || value === undefined || (type === 'count' && value === 0)) continue;
      this.#content.uint8(fingerprintTags.more);
      this.#content.uint8(index);
      this.#part(type, value);
    }
  }

  malformed(): void {
    this.#content.uint8(fingerprintTags.malformed);
  }

  /** 16 bytes of SHA-256. */
  digest(): Uint8Array {
    return sha256Start(this.#content.bytes(), 16);
  }

  #part(type: FieldType, value: FieldValue): void {
    if (type === 'text') this.#content.text(value as string);
    else if (type === 'count') this.#content.float64(value as number);
    else this.#number(value as number | undefined);
  }

  #number(value: number | undefined): void {
    this.#content.uint8(value === undefined ? fingerprintTags.absent : fingerprintTags.present);
    if (value === undefined) return;
    // JSON writes negative zero as 0 and knows one NaN: so do we.
    this.#content.float64(Number.isNaN(value) ? Number.NaN : value + 0);
  }
}
