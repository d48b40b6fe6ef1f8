import { expect, it } from 'vitest';
import { settled } from '../../bench/peers/beside/settled.ts';

/** Counts one more at each look, up to so many. */
function growing(max: number): () => Promise<number> {
  let count = 0;
  return async () => {
    count = Math.min(count + 1, max);
    return count;
  };
}

it('waits for as long as something comes, and no longer once all is there', async () => {
  expect(await settled(growing(5), 5, 0.4)).toMatchObject({ count: 5 });
});

it('tells when the last came, though it waited for what was lost', async () => {
  const beganAtMs = performance.now();
  const { count, atMs } = await settled(growing(2), 9, 0.6);
  expect(count).toBe(2);
  // What follows the last one is only waiting.
  expect(performance.now() - atMs).toBeGreaterThan(600);
  expect(atMs).toBeGreaterThan(beganAtMs);
});
