import { hash } from 'node:crypto';

/**
 * The first bytes of a digest, by way of a text with a character for each: a buffer of its own for
 * every digest takes three times as long.
 */
export const sha256Start = (content: Uint8Array, bytes: number): Buffer =>
  Buffer.from(hash('sha256', content, 'binary').slice(0, bytes), 'latin1');
