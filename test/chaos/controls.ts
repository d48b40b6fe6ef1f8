import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessOptions } from './collector-process.ts';
import type { Postgres } from './postgres.ts';

/** Ways to break a promise on purpose, so as to see that these runs notice. */
export const controls = ['early acknowledgement', 'forgetful ledger'] as const;
export type Control = (typeof controls)[number];

const early = new URL('./controls/early-acknowledgement.ts', import.meta.url).pathname;
const forgettingMs = 50;

export const sabotageOf = (control: Control | undefined): ProcessOptions =>
  control === 'early acknowledgement' ? { sabotage: early } : {};

/** Makes the ledger forget all that it knows, again and again, until the signal comes. */
export async function forget(postgres: Postgres, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await postgres.admin('delete from batch_ledger').catch(() => {});
    await sleep(forgettingMs);
  }
}
