import type { ToldObstacle } from '../observe/health.ts';
import type { ConnectionSettings } from '../postgres/pool.ts';

/** What one process wants of all others: what they have counted, how they are, or to do something. */
export type Question = 'metrics' | 'status' | 'refresh keys' | 'reload';

/** The first that a process hears. */
export interface Begin {
  readonly type: 'begin';
  /** From 1 on. */
  readonly number: number;
  /** The embedded PostgreSQL, where there is one. */
  readonly connection?: ConnectionSettings;
}

export type ToProcess =
  | Begin
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'answers'; readonly id: number; readonly values: readonly unknown[] }
  | { readonly type: 'obstacles'; readonly obstacles: readonly ToldObstacle[] }
  | { readonly type: 'stop' };

export type ToSupervisor =
  | { readonly type: 'hello' }
  | { readonly type: 'reached'; readonly milestone: 'listening' | 'ready'; readonly port: number }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'obstacles'; readonly obstacles: readonly ToldObstacle[] }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown };
