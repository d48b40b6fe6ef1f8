import { ServiceError } from '../errors.ts';
import type { Clock } from '../observe/clock.ts';
import { dayMs } from '../units.ts';
import type { EncodedBatch } from './encode-batch.ts';

/** Clocks are set right by people. */
const retryDelayMs = 30_000;

/** Gives what `encodeAt` gives for now, unless a clock that is in doubt would cost a client what it has. */
export function judge(encodeAt: (nowMs: number) => EncodedBatch, clock: Clock): EncodedBatch {
  const { offsetMs, behindMs } = clock;
  if (offsetMs !== 0) return judgeByTwo(encodeAt, offsetMs, besideDatabase(offsetMs), offsetMs > 0);
  if (behindMs === 0) return encodeAt(Date.now());
  // It is later than that by nobody knows how much: what is too far ahead may be of now.
  return judgeByTwo(encodeAt, behindMs + dayMs, behindIds(behindMs), false);
}

/**
 * The verdict on a batch where it may be so much later, or earlier, than our clock says. What is too
 * old or too far ahead by one of the two times alone may be our fault, and a client that is told so
 * drops what it has: it is told to try again, and why. `mayBeForgotten`: so is one whose id is too
 * old by the other time, by which it may have been forgotten that it was stored.
 */
function judgeByTwo(
  encodeAt: (nowMs: number) => EncodedBatch,
  differenceMs: number,
  why: string,
  mayBeForgotten: boolean,
): EncodedBatch {
  const nowMs = Date.now();
  const ours = attempt(() => encodeAt(nowMs));
  const theirs = attempt(() => encodeAt(nowMs + differenceMs));
  if (ours instanceof Error) throw theirs instanceof Error ? ours : inDoubt(why);
  const isInDoubt = theirs instanceof Error ? mayBeForgotten : rejected(ours) > rejected(theirs);
  if (isInDoubt) throw inDoubt(why);
  return ours;
}

function attempt(encode: () => EncodedBatch): EncodedBatch | ServiceError {
  try {
    return encode();
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}

const rejected = ({ answer }: EncodedBatch): number =>
  answer.rejected.event + answer.rejected.usage;

const besideDatabase = (offsetMs: number): string =>
  `and the database's differ by ${seconds(offsetMs)} s, and only one of them allows these times`;

const behindIds = (behindMs: number): string =>
  `is ${seconds(behindMs)} s behind what is stored already, and does not allow these times`;

const seconds = (ms: number): number => Math.round(Math.abs(ms) / 1000);

const inDoubt = (why: string) =>
  new ServiceError('retryable', `the collector's clock ${why}; not stored`, { retryDelayMs });
