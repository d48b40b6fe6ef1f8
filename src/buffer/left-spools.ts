import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { pause } from '../pause.ts';
import type { Drain } from './drain.ts';
import { isSegment } from './spool/files.ts';
import { Spool } from './spool/spool.ts';

/** One that somebody still holds is tried again. */
const retryMs = 1000;

/** Spools of processes that there are no more, of which somebody else has to drain what they left. */
export class LeftSpools {
  readonly #logger: Logger;
  /** Of those that are not opened yet. */
  readonly #waitingBytes: Map<string, number>;
  #open: { readonly spool: Spool; readonly drain: Drain } | undefined;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(directories: readonly string[], logger: Logger) {
    this.#logger = logger;
    this.#waitingBytes = new Map(directories.map((each) => [each, bytesIn(each)]));
  }

  get bytes(): number {
    const waiting = [...this.#waitingBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    return waiting + (this.#open?.spool.bytes ?? 0);
  }

  /** Drains one after the other. */
  start(createDrain: (spool: Spool) => Drain): void {
    this.#running = this.#run(createDrain);
  }

  /** Stops after the group under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#open?.drain.stop();
    await this.#running;
  }

  async #run(createDrain: (spool: Spool) => Drain): Promise<void> {
    const { signal } = this.#stop;
    while (this.#waitingBytes.size > 0 && !signal.aborted) {
      for (const directory of [...this.#waitingBytes.keys()]) {
        if (!signal.aborted) await this.#drain(directory, createDrain);
      }
      if (this.#waitingBytes.size > 0) await pause(retryMs, signal);
    }
  }

  async #drain(directory: string, createDrain: (spool: Spool) => Drain): Promise<void> {
    const logger = this.#logger;
    let spool: Spool;
    try {
      // Nothing new is written to it but what is put off.
      spool = await Spool.open({ directory, bytesMax: 0, diskReserveBytes: 0, logger });
    } catch (error) {
      logger.debug({ reason: errorMessage(error) }, 'a spool that was left is not drained yet');
      return;
    }
    this.#waitingBytes.delete(directory);
    this.#open = { spool, drain: createDrain(spool) };
    const { segments, bytes } = spool;
    if (segments > 0) logger.info({ directory, segments, bytes }, 'draining a spool that was left');
    await this.#open.drain.finish();
    if (segments > 0 && spool.segments === 0) logger.info({ directory }, 'that spool is drained');
    this.#open = undefined;
    await spool.close();
  }
}

function bytesIn(directory: string): number {
  try {
    const segments = readdirSync(directory).filter(isSegment);
    return segments.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  } catch {
    return 0;
  }
}
