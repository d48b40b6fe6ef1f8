import { isUtf8 } from 'node:buffer';
import { JsonFault } from './scanner.ts';

/** Throws `JsonFault` for bytes that are no UTF-8. */
export function checkUtf8(bytes: Uint8Array): void {
  if (isUtf8(bytes)) return;
  for (let at = 0; ; ) {
    const byte = bytes[at] as number;
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (!isUtf8(bytes.subarray(at, at + length))) throw new JsonFault('invalid UTF-8', at);
    at += length;
  }
}
