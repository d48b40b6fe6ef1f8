import { createHash } from 'node:crypto';
import { dayMs } from '../../units.ts';
import { type Connection, Refusal } from './connection.ts';
import type { ReadRecord } from './files/record-file.ts';
import { pages } from './list-pages.ts';
import type { Kind } from './record-flags.ts';
import { type FlatRecord, sentFields } from './records.ts';

export interface ImportCounts {
  read: number;
  stored: number;
  /** There already, by their ids. */
  known: number;
  refused: number;
  /** Of those that the collector has named. */
  readonly reasons: string[];
}

interface BatchAnswer {
  readonly events?: number;
  readonly usage?: number;
  /** The batch was there already. */
  readonly duplicate?: boolean;
  readonly rejected?: number;
  /** Their calls were there already, by other ids. */
  readonly duplicates?: number;
  readonly dead_lettered?: number;
  readonly rejections?: readonly Rejection[];
}

interface Rejection {
  readonly kind?: string;
  readonly index?: number;
  readonly field?: string;
  readonly reason?: string;
}

const reasonsMax = 1000;
const batchPath = '/v1/telemetry/batch';
/** The key may restore: store records of any age, with costs as they were computed. */
const restoring = '?restore=true';

/**
 * Stores records that a collector has had before. What is there already, by id and time, is left
 * out; a batch whose outcome is not known is sent again with the same id.
 */
export class Importer {
  readonly #connection: Connection;
  #mayRestore = true;
  readonly counts: ImportCounts = { read: 0, stored: 0, known: 0, refused: 0, reasons: [] };

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async add(chunk: readonly ReadRecord[]): Promise<void> {
    this.counts.read += chunk.length;
    const fresh: ReadRecord[] = [];
    for (const kind of ['event', 'usage'] as const) {
      const ofKind = chunk.filter((each) => each.kind === kind);
      const known = await this.#known(kind, ofKind);
      fresh.push(...ofKind.filter(({ record }) => !known.has(nameOf(record))));
    }
    this.counts.known += chunk.length - fresh.length;
    if (fresh.length > 0) await this.#send(fresh);
  }

  /** The records of the time that these are of, by id and time. */
  async #known(kind: Kind, chunk: readonly ReadRecord[]): Promise<Set<string>> {
    const known = new Set<string>();
    const times = chunk
      .map(({ record }) => Date.parse(String(record.timestamp)))
      .filter((ms) => !Number.isNaN(ms))
      .toSorted((a, b) => a - b);
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined) return known;
    const parameters = new URLSearchParams([
      ['start_time', new Date(first).toISOString()],
      ['end_time', new Date(last + 1).toISOString()],
      ...namedBy(kind, chunk),
    ]);
    for await (const page of pages(this.#connection, kind, parameters)) {
      for (const record of page) known.add(nameOf(record));
    }
    return known;
  }

  async #send(fresh: readonly ReadRecord[]): Promise<void> {
    const of = (kind: Kind) => fresh.filter((each) => each.kind === kind);
    const [events, usage] = [of('event'), of('usage')];
    const body = JSON.stringify({
      events: events.map(({ record }) => sent('event', record, this.#mayRestore)),
      usage: usage.map(({ record }) => sent('usage', record, this.#mayRestore)),
    });
    try {
      const answer = await this.#connection.post(
        `${batchPath}${this.#mayRestore ? restoring : ''}`,
        `{"batch_id":"${batchIdOf(body)}",${body.slice(1)}`,
      );
      this.#count(JSON.parse(answer), { event: events, usage });
    } catch (error) {
      if (!this.#mayRestore || !(error instanceof Refusal) || error.status !== 403) throw error;
      this.#mayRestore = false;
      await this.#send(fresh);
    }
  }

  #count(answer: BatchAnswer, sent: Readonly<Record<Kind, readonly ReadRecord[]>>): void {
    const { counts } = this;
    const stored = (answer.events ?? 0) + (answer.usage ?? 0);
    if (answer.duplicate) counts.known += stored;
    else counts.stored += stored;
    counts.known += answer.duplicates ?? 0;
    counts.refused += (answer.rejected ?? 0) + (answer.dead_lettered ?? 0);
    if (answer.dead_lettered) {
      counts.reasons.push(`${answer.dead_lettered} are dead letters: the database refuses them`);
    }
    for (const { kind, index = 0, field = '', reason = '' } of answer.rejections ?? []) {
      if (counts.reasons.length >= reasonsMax) return;
      const read = sent[/usage/i.test(kind ?? '') ? 'usage' : 'event'][index];
      const id = read?.record.id ?? '';
      counts.reasons.push(`record ${read?.position ?? '?'} (${id}): ${field} ${reason}`);
    }
  }
}

const naming = { event: 'event_type', usage: 'model' } as const;
/** Of what fits into an address, however it is written there. */
const namesLengthMax = 1000;

/** What all of them are of, as parameters: a few records of a long time are among many others. */
function namedBy(kind: Kind, chunk: readonly ReadRecord[]): [string, string][] {
  const parameter = naming[kind];
  const names = new Set(chunk.map(({ record }) => String(record[parameter] ?? '')));
  // Stored as they are, which not all texts can be.
  const isKept = (name: string) => name !== '' && !name.includes('\0') && name.isWellFormed();
  const all = [...names];
  if (all.join().length > namesLengthMax || !all.every(isKept)) return [];
  return all.map((name) => [parameter, name]);
}

const nameOf = ({ id, timestamp }: FlatRecord): string =>
  `${String(id).toLowerCase()} ${Date.parse(String(timestamp))}`;

/** What a record may be sent with: a cost that was computed, only where it may be restored. */
function sent(kind: Kind, record: FlatRecord, restores: boolean): FlatRecord {
  const isComputed = /^(list|own)@/.test(String(record.cost_source ?? ''));
  const left = isComputed && !restores ? ['cost_usd', 'cost_source'] : [];
  return Object.fromEntries(
    sentFields[kind]
      .filter((name) => !left.includes(name) && record[name] !== null && record[name] !== undefined)
      .map((name) => [name, record[name]]),
  );
}

/** A UUIDv7 of the day that is the same for the same content. */
function batchIdOf(content: string): string {
  const digest = createHash('sha256').update(content).digest('hex');
  const day = Math.floor(Date.now() / dayMs) * dayMs;
  const time = day.toString(16).padStart(12, '0');
  const variant = ((Number.parseInt(digest.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${digest.slice(0, 3)}`,
    `${variant}${digest.slice(4, 7)}`,
    digest.slice(7, 19),
  ].join('-');
}
