import { providerName } from '../prices/provider.ts';
import { CallKeys } from '../records/call-key.ts';
import { uuidBytes } from '../uuid.ts';
import { rowsOf } from './divide.ts';

/** A usage record that says which call it is about; once for each of its keys. */
export interface Call {
  /** As `CallKeys` has it. */
  readonly key: string;
  readonly row: Uint8Array;
}

export const newCallKeys = (): CallKeys => new CallKeys(providerName);

/** The calls that rows are about, in their order. */
export function callsOf(keys: CallKeys, copies: readonly Uint8Array[]): Call[] {
  const calls: Call[] = [];
  for (const copy of copies) {
    for (const row of rowsOf(copy)) {
      for (const key of keys.keysOf(row)) calls.push({ key, row });
    }
  }
  return calls;
}

/**
 * In the order of their keys: two collectors with the same calls wait for each other and never
 * deadlock. Numbers are compared in less time than texts are.
 */
export const inOrder = (calls: readonly Call[]): Call[] =>
  calls
    .map((call) => ({ call, first: firstBytes(call.key) }))
    .sort((a, b) => a.first - b.first || (a.call.key < b.call.key ? -1 : 1))
    .map(({ call }) => call);

/** As many as a number holds. */
function firstBytes(key: string): number {
  let number = 0;
  for (let at = 0; at < 6; at++) number = number * 256 + key.charCodeAt(at);
  return number;
}

/** A key as the table has it, and back. */
export const uuidOfKey = (key: string): string => Buffer.from(key, 'latin1').toString('hex');
export const keyOfUuid = (uuid: string): string => Buffer.from(uuidBytes(uuid)).toString('latin1');
