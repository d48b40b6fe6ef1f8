import { type RecordCounts, type RecordKind, recordKinds } from '../records/tables.ts';

/** Rows of one table, encoded as tuples of PostgreSQL's binary COPY format, without header and trailer. */
export interface EncodedRows {
  readonly count: number;
  readonly copy: Uint8Array;
}

/** Why one record of a batch is not stored. */
export interface Rejection {
  readonly kind: RecordKind;
  /** Position in the batch's list of its kind, from 0. */
  readonly index: number;
  /** Path of the field at fault; empty where the whole record is malformed. */
  readonly field: string;
  readonly reason: string;
}

/** What became of a batch's records. Kept with the batch id, and given again for a repetition. */
export interface Answer {
  readonly stored: RecordCounts;
  readonly rejected: RecordCounts;
  /** The first of the rejected, `rejectionsMax` at most. */
  readonly rejections: readonly Rejection[];
  /** Those of the stored that are kept as dead letters, where there are any. */
  readonly deadLettered?: RecordCounts;
  /** Those of the stored whose call was stored before, where there are any. */
  readonly repeated?: RepeatedCalls;
}

/** Usage records of calls that other records have stored. */
export interface RepeatedCalls {
  readonly count: number;
  /** The row that the call of the first of them is stored in. */
  readonly firstRowId: string;
}

export const rejectionsMax = 100;

/** A valid, encoded batch: what is buffered and committed as a whole. */
export interface Batch {
  /** UUIDv7, in canonical lower case. */
  readonly id: string;
  /** The group that a batch from the spool first belonged to. */
  readonly groupId?: string;
  /** Says whether another batch with the same id has the same content. */
  readonly fingerprint: Uint8Array;
  readonly rows: Readonly<Record<RecordKind, EncodedRows>>;
  readonly answer: Answer;
}

/** What a caller is told of a batch that is durable. */
export interface Acknowledgement {
  readonly durability: 'committed' | 'spooled';
  /** The id was known: nothing was stored again, and `answer` is the first one. */
  readonly duplicate: boolean;
  readonly answer: Answer;
}

/** What a commit made of one batch of a group. */
export type Settlement =
  | {
      readonly kind: 'stored';
      /** Rows that PostgreSQL does not take, and that are kept as dead letters. */
      readonly deadLettered?: RecordCounts;
      /** Rows that were there already. */
      readonly known?: RecordCounts;
      readonly repeated?: RepeatedCalls;
      /** Rows of somebody whose records were erased meanwhile. */
      readonly erased?: RecordCounts;
    }
  | { readonly kind: 'duplicate'; readonly answer: Answer }
  | { readonly kind: 'conflict' }
  /** Written to the local disk; PostgreSQL follows. */
  | { readonly kind: 'spooled' };

/** Hears what becomes of one batch, once. */
export interface Settling {
  settled(settlement: Settlement): void;
  failed(error: unknown): void;
}

/** What of an AbortSignal ends a wait. */
export interface Ending {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Batches that are committed together. Stays as it is through all retries. */
export interface Group {
  /** Marks what this group stored, so that a retry recognises its own work. */
  readonly id: string;
  readonly batches: readonly Batch[];
}

/**
 * Commits a group and says, batch by batch, what became of it. Throws a `ServiceError` of kind
 * `retryable` when the database could not be reached or did not answer: the group may or may not
 * be committed, and is to be given again as it is.
 */
export type CommitGroup = (group: Group) => Promise<readonly Settlement[]>;

/** Throws what keeps the database from taking records of some kinds. */
export type Probe = (kinds: readonly RecordKind[]) => Promise<void>;

/** What the database does for the spool. */
export interface Committer {
  readonly commit: CommitGroup;
  /**
   * The same for what has failed again and again, each time while others could be stored: a row
   * that fails alone is kept as a dead letter, whatever PostgreSQL says of it, as long as it takes
   * another one in its place.
   */
  readonly commitSuspects: CommitGroup;
  /** Throws what keeps the database from taking any rows where those of some batches go. */
  readonly probe: (batches: readonly Batch[]) => Promise<void>;
  /** Keeps all rows of a batch as dead letters, without a look at what is in them. */
  readonly keep: (batch: Batch, reason: string) => Promise<Settlement>;
}

/** The kinds of record that there are in some batches. */
export const kindsOf = (batches: readonly Batch[]): RecordKind[] =>
  recordKinds.filter((kind) => batches.some(({ rows }) => rows[kind].count > 0));

export const batchRows = ({ rows: { event, usage } }: Pick<Batch, 'rows'>): number =>
  event.count + usage.count;

/** What a batch costs in memory: its encoded rows and an allowance for the objects around them. */
export const batchBytes = ({ rows: { event, usage } }: Pick<Batch, 'rows'>): number =>
  event.copy.byteLength + usage.copy.byteLength + 1024;
