import { V7Generator } from 'uuidv7';

/** A new UUIDv7 of another time than now. */
export function uuidV7At(timeMs: number): string {
  return new V7Generator().generateOrResetWithTs(timeMs).toString();
}
