import fc from 'fast-check';
import { afterEach, beforeEach, it, vi } from 'vitest';
import { resumeTime, stopTime } from './fake-time.ts';
import { type Happening, Simulation } from './simulation.ts';

vi.mock('node:timers/promises', async () => (await import('./fake-time.ts')).timersPromises);

const pick = fc.nat(20);
const batch = {
  lane: fc.constantFrom('unary' as const, 'stream' as const),
  rows: fc.integer({ min: 1, max: 8 }),
  size: fc.constantFrom(1, 1, 2, 3, 9),
  twin: fc.option(fc.record({ pick, same: fc.boolean() }), { nil: undefined, freq: 3 }),
};

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('offer' as const), ...batch }) },
  { weight: 18, arbitrary: fc.record({ kind: fc.constant('admit' as const), ...batch }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('succeed' as const), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('spool' as const, 'unheard' as const), pick }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      pick,
      as: fc.constantFrom('retryable' as const, 'unexpected' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('abort' as const), pick }) },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 5, 20, 300),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'close' as const }) },
);

beforeEach(stopTime);
afterEach(resumeTime);

it('holds its promises whatever happens: every caller is answered, nothing is stored twice, room and records add up', async () => {
  const property = fc.asyncProperty(
    fc.array(happening, { minLength: 5, maxLength: 60 }),
    async (happenings) => {
      const simulation = new Simulation();
      for (const each of happenings) await simulation.happen(each);
      await simulation.finish();
    },
  );
  await fc.assert(property, { seed: 2, numRuns: 150 });
});
