import type { JsonValue } from '@bufbuild/protobuf';
import { dayMs, minuteMs } from '../units.ts';
import { isUuid } from '../uuid.ts';
import { type Field, isSent } from './fields.ts';
import { FieldFault, limits } from './limits.ts';
import type { RecordValues } from './record-values.ts';
import { StorableText } from './storable.ts';
import { completeUsage } from './usage.ts';

export interface TimeWindow {
  /** How old a record may be. */
  readonly ageMsMax: number;
  /** How far its time may lie ahead of ours. */
  readonly aheadMsMax: number;
}

/** Checks records against the rules, and makes their texts storable; throws `FieldFault`. */
export class Validator {
  readonly storable = new StorableText();
  #window: TimeWindow;
  #nowMs: number;
  #isRestored = false;

  constructor(window: TimeWindow, nowMs: number) {
    this.#window = window;
    this.#nowMs = nowMs;
  }

  /** Another batch begins. `isRestored`: what is checked was stored before. */
  begin(window: TimeWindow, nowMs: number, isRestored: boolean): void {
    this.#window = window;
    this.#nowMs = nowMs;
    this.#isRestored = isRestored;
  }

  /** All but the text of the metadata, which is checked as it is written. */
  check(record: RecordValues): void {
    const { kind, fields, values, struct } = record;
    for (let slot = 0; slot < fields.length; slot++) {
      const field = fields[slot] as Field;
      const value = values[slot];
      if (field.type === 'text') values[slot] = this.#text(field, value as string);
      else if (value === '' || value === undefined || !isSent(field)) continue;
      else if (field.type === 'id') checkId(value as string);
      else if (field.type === 'time') this.#time(field, value as number);
      else this.#number(field, value as number);
    }
    if (kind === 'usage') completeUsage(record, this.#isRestored);
    if (struct) checkNumbers('metadata', struct);
  }

  #text({ name, required, charactersMax }: Field, value: string): string {
    if (required && value === '') throw new FieldFault(name, 'is required');
    const max = charactersMax as number;
    // No character takes less than a UTF-16 unit: most texts need no counting.
    const length = value.length > max ? characters(value) : 0;
    if (length > max) {
      throw new FieldFault(name, `is ${length} characters long; at most ${max} are allowed`);
    }
    return this.storable.text(value);
  }

  #number({ name, type }: Field, value: number): void {
    if (type !== 'number' && value < 0) throw new FieldFault(name, 'is negative');
    if (type === 'count' && value > limits.tokensMax) {
      throw new FieldFault(name, `is greater than ${limits.tokensMax}`);
    }
    // Tables that were adopted may hold others, which are counted apart.
    const mayBeOther = this.#isRestored && (type === 'number' || type === 'amount');
    if (!mayBeOther) checkFinite(name, value);
  }

  #time({ name }: Field, us: number): void {
    const { ageMsMax, aheadMsMax } = this.#window;
    if (us < (this.#nowMs - ageMsMax) * 1000) {
      throw new FieldFault(name, `is older than ${ageMsMax / dayMs} days`);
    }
    if (us > (this.#nowMs + aheadMsMax) * 1000) {
      throw new FieldFault(name, `is more than ${aheadMsMax / minuteMs} minutes ahead`);
    }
  }
}

/** Code points. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkId(id: string): void {
  if (!isUuid(id)) throw new FieldFault('id', 'is not a UUID');
}

function checkFinite(path: string, value: number): void {
  if (!Number.isFinite(value)) throw new FieldFault(path, `is ${value}, not a finite number`);
}

/** Protobuf has numbers that JSON lacks. */
function checkNumbers(path: string, value: JsonValue): void {
  if (typeof value === 'number') checkFinite(path, value);
  if (value === null || typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) checkNumbers(`${path}.${key}`, item);
}
