import type { JsonValue } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Event, Usage } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { dayMs, minuteMs } from '../units.ts';
import { isUuid } from '../uuid.ts';
import { StorableText } from './storable.ts';

/** The one place for the rules that a record has to meet, whatever protocol it came by. */
export const limits = {
  nameBytesMax: 256,
  statusBytesMax: 64,
  metadataBytesMax: 64 * 1024,
  metadataDepthMax: 32,
  /** Beyond it a number in JSON is no longer exact. */
  tokensMax: Number.MAX_SAFE_INTEGER,
} as const;

export interface TimeWindow {
  /** How old a record may be. */
  readonly ageMsMax: number;
  /** How far its time may lie ahead of ours. */
  readonly aheadMsMax: number;
}

/** What is wrong with a record. */
export class FieldFault extends Error {
  readonly field: string;

  constructor(field: string, reason: string) {
    super(reason);
    this.field = field;
  }
}

/** A valid event, with storable strings. */
export interface ValidEvent {
  readonly id: string;
  readonly timestampUs: number | undefined;
  readonly eventType: string;
  readonly component: string;
  readonly value: number | undefined;
  readonly metadataJson: string | undefined;
  readonly status: string;
}

/** A valid usage record, with storable strings. */
export interface ValidUsage {
  readonly id: string;
  readonly timestampUs: number | undefined;
  readonly model: string;
  readonly layer: string;
  readonly provider: string;
  readonly operation: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly reasoningTokens: number;
  readonly durationMs: number | undefined;
  readonly costUsd: number | undefined;
  readonly ghostId: string;
  readonly shellId: string;
  readonly metadataJson: string | undefined;
}

/** Checks records against the limits; throws `FieldFault`. */
export class Validator {
  readonly #window: TimeWindow;
  readonly #nowMs: number;
  readonly storable = new StorableText();

  constructor(window: TimeWindow, nowMs: number) {
    this.#window = window;
    this.#nowMs = nowMs;
  }

  event(event: Event): ValidEvent {
    return {
      id: checkId(event.id),
      timestampUs: this.#time(event.timestamp),
      eventType: this.#required('event_type', event.eventType),
      component: this.#name('component', event.component),
      value: checkFinite('value', event.value),
      metadataJson: this.#metadata(event.metadata),
      status: this.#text('status', event.status, limits.statusBytesMax),
    };
  }

  usage(usage: Usage): ValidUsage {
    const inputTokens = checkTokens('input_tokens', usage.inputTokens);
    const outputTokens = checkTokens('output_tokens', usage.outputTokens);
    return {
      id: checkId(usage.id),
      timestampUs: this.#time(usage.timestamp),
      model: this.#required('model', usage.model),
      layer: this.#name('layer', usage.layer),
      provider: this.#name('provider', usage.provider),
      operation: this.#name('operation', usage.operation),
      inputTokens,
      outputTokens,
      cachedTokens: checkPart('cached_tokens', usage.cachedTokens, 'input_tokens', inputTokens),
      reasoningTokens: checkPart(
        'reasoning_tokens',
        usage.reasoningTokens,
        'output_tokens',
        outputTokens,
      ),
      durationMs: checkAmount('duration_ms', usage.durationMs),
      costUsd: checkAmount('cost_usd', usage.costUsd),
      ghostId: this.#name('ghost_id', usage.ghostId),
      shellId: this.#name('shell_id', usage.shellId),
      metadataJson: this.#metadata(usage.metadata),
    };
  }

  #text(field: string, value: string, bytesMax: number): string {
    // No character takes more than three bytes a UTF-16 unit: most texts need no counting.
    if (value.length * 3 > bytesMax && Buffer.byteLength(value) > bytesMax) {
      throw new FieldFault(
        field,
        `is ${Buffer.byteLength(value)} bytes long; at most ${bytesMax} are allowed`,
      );
    }
    return this.storable.text(value);
  }

  #name(field: string, value: string): string {
    return this.#text(field, value, limits.nameBytesMax);
  }

  #required(field: string, value: string): string {
    if (value === '') throw new FieldFault(field, 'is required');
    return this.#name(field, value);
  }

  #time(timestamp: Timestamp | undefined): number | undefined {
    if (!timestamp) return undefined;
    const us = timestampUs(timestamp);
    const { ageMsMax, aheadMsMax } = this.#window;
    if (us < (this.#nowMs - ageMsMax) * 1000) {
      throw new FieldFault('timestamp', `is older than ${ageMsMax / dayMs} days`);
    }
    if (us > (this.#nowMs + aheadMsMax) * 1000) {
      throw new FieldFault('timestamp', `is more than ${aheadMsMax / minuteMs} minutes ahead`);
    }
    return us;
  }

  #metadata(metadata: Event['metadata']): string | undefined {
    if (!metadata) return undefined;
    checkJson('metadata', metadata, 1);
    const json = this.storable.jsonText(metadata);
    const bytes = Buffer.byteLength(json);
    if (bytes > limits.metadataBytesMax) {
      throw new FieldFault(
        'metadata',
        `is ${bytes} bytes of JSON; at most ${limits.metadataBytesMax} are allowed`,
      );
    }
    return json;
  }
}

export function timestampUs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000_000 + Math.floor(nanos / 1000);
}

function checkId(id: string): string {
  if (id !== '' && !isUuid(id)) throw new FieldFault('id', 'is not a UUID');
  return id;
}

function checkFinite(field: string, value: number | undefined): number | undefined {
  if (value === undefined || Number.isFinite(value)) return value;
  throw new FieldFault(field, `is ${value}, not a finite number`);
}

function checkAmount(field: string, value: number | undefined): number | undefined {
  if (value !== undefined && value < 0) throw new FieldFault(field, 'is negative');
  return checkFinite(field, value);
}

function checkTokens(field: string, value: bigint): number {
  if (value < 0n) throw new FieldFault(field, 'is negative');
  if (value > limits.tokensMax) throw new FieldFault(field, `is greater than ${limits.tokensMax}`);
  return Number(value);
}

function checkPart(field: string, value: bigint, wholeField: string, whole: number): number {
  const part = checkTokens(field, value);
  if (part > whole)
    throw new FieldFault(field, `is greater than ${wholeField}, which it is a part of`);
  return part;
}

function checkJson(path: string, value: JsonValue, depth: number): void {
  if (typeof value === 'number') checkFinite(path, value);
  if (value === null || typeof value !== 'object') return;
  if (depth > limits.metadataDepthMax) {
    throw new FieldFault('metadata', `is nested more than ${limits.metadataDepthMax} levels deep`);
  }
  for (const [key, item] of Object.entries(value)) checkJson(`${path}.${key}`, item, depth + 1);
}
