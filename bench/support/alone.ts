import { readFileSync } from 'node:fs';
import os from 'node:os';
import { cpuSecondsOfDescendants } from './cpu.ts';

/** What others may take of the machine's processors. */
const othersShareMax = 0.05;
const ticksPerSecond = 100;

/** Of all processors since the machine began, idle and waiting for disks left out. */
function busySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = line
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + soft + stolen) / ticksPerSecond;
}

/**
 * Takes samples on a machine that others may use as well: one during which they took too much is
 * taken again, and the one during which they took least counts, whatever it says.
 */
export class Alone {
  readonly #triesMax: number;
  readonly #shares: number[] = [];

  constructor(triesMax: number) {
    this.#triesMax = triesMax;
  }

  async measure<T>(sample: () => Promise<T>): Promise<T> {
    let best: { readonly sample: T; readonly share: number } | undefined;
    for (let tries = 0; tries < this.#triesMax; tries++) {
      const others = () => busySeconds() - cpuSecondsOfDescendants(process.pid);
      const [before, startMs] = [others(), performance.now()];
      const taken = await sample();
      const seconds = ((performance.now() - startMs) / 1000) * os.cpus().length;
      const share = (others() - before) / seconds;
      if (best === undefined || share < best.share) best = { sample: taken, share };
      if (!(best.share > othersShareMax)) break;
    }
    const { sample: quietest, share } = best as { sample: T; share: number };
    this.#shares.push(share);
    return quietest;
  }

  /** What others took during the samples that count; the kernel's own work for our disks is in it. */
  describe() {
    return { others_percent_of_processors_at_most: 100 * Math.max(...this.#shares) };
  }
}
