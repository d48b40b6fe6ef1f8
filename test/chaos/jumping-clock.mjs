import { existsSync, readFileSync } from 'node:fs';

/**
 * Loaded into a collector before its own code: its wall clock is off by the milliseconds in the
 * file CHAOS_CLOCK, if there is one; it is read again at SIGUSR2. Timers, which are monotonic, are left alone.
 */
const RealDate = Date;
const file = process.env.CHAOS_CLOCK;
const readOffset = () => Number(readFileSync(file, 'utf8'));
let offsetMs = existsSync(file) ? readOffset() : 0;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

process.on('SIGUSR2', () => {
  offsetMs = readOffset();
});
