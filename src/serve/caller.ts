import type { ServiceError } from '../errors.ts';
import type { Request } from './socket-server.ts';

/** What a caller may do: send telemetry, read it, and what only operators do. None implies another. */
export const scopes = ['ingest', 'query', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What a route asks of its callers: a scope, or nothing, not even who they are. */
export type RouteScope = Scope | 'none';

/** Something of a caller's that lasts, and ends with his right to it. */
export interface Endable {
  end(reason: ServiceError): void;
}

/** What a caller may use of what all share. Whatever is asked for is counted before it is refused. */
export interface Allowance {
  /**
   * The error where the caller is past his quota already, so that a batch of so many bytes is not
   * read; it is counted as the records that so many bytes of his have had so far.
   */
  refuseUnread(bytes: number): ServiceError | undefined;
  /** So many bytes have had so many records. */
  noteRead(records: number, bytes: number): void;
  /** Room for a batch of so many records, by quota; the error where there is none. */
  takeRecords(records: number): ServiceError | undefined;
  /** A share of the buffer until `release`; the error where the caller holds all of his. */
  hold(bytes: number): ServiceError | undefined;
  release(bytes: number): void;
  /** A query begins, until `endQuery`; the error where his others take all of his share. */
  beginQuery(): ServiceError | undefined;
  endQuery(ms: number): void;
}

/** Whoever sends a request. */
export interface Caller {
  /** Of his key; `anonymous` where he has none. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly allowance: Allowance;
  /** What ends when the key is revoked or expires. */
  readonly streams: Set<Endable>;
}

/** What of a request says who sends it. */
export type Credentials = Pick<Request, 'headers' | 'socket'>;

/** Who the callers are. */
export interface Callers {
  /** The sender of a request that needs a scope, or why it is not let in. */
  identify(request: Credentials, scope: Scope): Caller | ServiceError;
}

const unlimited: Allowance = {
  refuseUnread: () => undefined,
  noteRead: () => {},
  takeRecords: () => undefined,
  hold: () => undefined,
  release: () => {},
  beginQuery: () => undefined,
  endQuery: () => {},
};

/** Whoever nobody asked for a name. */
export const anybody: Caller = {
  name: 'anonymous',
  scopes: new Set(scopes),
  allowance: unlimited,
  streams: new Set(),
};

/** Of his key; undefined where he has none. */
export const keyNameOf = ({ name }: Pick<Caller, 'name'>): string | undefined =>
  name === anybody.name ? undefined : name;

/** Lets everybody in: for servers that are no collectors. */
export const everybody: Callers = { identify: () => anybody };
