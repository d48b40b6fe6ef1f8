import type { Logger } from '../observe/logger.ts';
import { OwnPricesFile } from './own-file.ts';
import { Pricer } from './pricer.ts';

/** The prices of a collector, which follow the file of its operator's own. */
export class LivePrices {
  readonly pricer: Pricer;
  readonly #file: OwnPricesFile;
  readonly #logger: Logger;

  /** `path` of the operator's own, '' for none; throws a `StartError` where it can't be read. */
  constructor(path: string, logger: Logger) {
    this.#file = new OwnPricesFile(path);
    this.#logger = logger;
    this.pricer = new Pricer(() => this.#file.prices);
  }

  start(): void {
    this.#file.watch(({ version, date, entries }, fault) => {
      const own = { version, date, prices: entries.length };
      if (fault === undefined) this.#logger.info({ own }, 'own prices read again');
      else this.#logger.error({ own }, `${fault}: prices stay what they were`);
    });
  }

  /** Looks at the file now. */
  async reload(): Promise<void> {
    await this.#file.look();
  }

  stop(): void {
    this.#file.close();
  }
}
