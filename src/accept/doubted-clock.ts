import { ServiceError } from '../errors.ts';
import type { Clock } from '../observe/clock.ts';
import { dayMs } from '../units.ts';
import type { EncodedBatch } from './encode-batch.ts';

/** Clocks are set right by people. */
const retryDelayMs = 30_000;

/** Gives what `encodeAt` gives for now, unless a clock that is in doubt would cost a client what it has. */
export function judge(encodeAt: (nowMs: number) => EncodedBatch, clock: Clock): EncodedBatch {
  const { offsetMs, behindMs } = clock;
  if (offsetMs !== 0) return judgeByTwo(encodeAt, offsetMs);
  return behindMs === 0 ? encodeAt(Date.now()) : judgeBehind(encodeAt, behindMs);
}

/**
 * The verdict on a batch where this machine's clock is so far behind at the least: what is too far
 * ahead by it may be of now.
 */
function judgeBehind(encodeAt: (nowMs: number) => EncodedBatch, behindMs: number): EncodedBatch {
  const nowMs = Date.now();
  const ours = attempt(() => encodeAt(nowMs));
  const later = attempt(() => encodeAt(nowMs + behindMs + dayMs));
  const isBetter =
    !(later instanceof Error) && (ours instanceof Error || rejected(ours) > rejected(later));
  if (isBetter) {
    throw doubtful(
      `is ${Math.round(behindMs / 1000)} s behind what is stored already, and does not allow these times`,
    );
  }
  if (ours instanceof Error) throw ours;
  return ours;
}

/**
 * The verdict on a batch where this machine's clock and the database's disagree. What is too old or
 * too far ahead by one of them alone may be our fault, and a client that is told so drops what it
 * has: it is told to try again. So is one whose id is too old by the database's, which may have
 * forgotten that it was stored.
 */
function judgeByTwo(encodeAt: (nowMs: number) => EncodedBatch, offsetMs: number): EncodedBatch {
  const nowMs = Date.now();
  const ours = attempt(() => encodeAt(nowMs));
  const theirs = attempt(() => encodeAt(nowMs + offsetMs));
  if (ours instanceof Error && theirs instanceof Error) throw ours;
  if (ours instanceof Error) throw inDoubt(offsetMs);
  const isForgotten = theirs instanceof Error && offsetMs > 0;
  const isRejected = !(theirs instanceof Error) && rejected(ours) > rejected(theirs);
  if (isForgotten || isRejected) throw inDoubt(offsetMs);
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

const inDoubt = (offsetMs: number) =>
  doubtful(
    `and the database's differ by ${Math.round(Math.abs(offsetMs) / 1000)} s, and only one of them allows these times`,
  );

const doubtful = (what: string) =>
  new ServiceError('retryable', `the collector's clock ${what}; not stored`, { retryDelayMs });
