import { readFileSync, type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { errorMessage, StartError } from '../errors.ts';
import { secondMs } from '../units.ts';
import { noOwnPrices, type OwnPrices, parseOwnPrices } from './own.ts';

/** How often it is looked at. To be told of changes would miss a file exchanged beneath a link. */
const lookMs = secondMs;

/** Told when the file was read again: why it can't be, or nothing where it can. */
type OnReload = (prices: OwnPrices, fault: string | undefined) => void;

/** The operator's own prices: read at the start, and again when the file changes. */
export class OwnPricesFile {
  readonly #path: string;
  #prices = noOwnPrices;
  /** Tells one state of the file from another. */
  #seen = '';
  #timer: NodeJS.Timeout | undefined;
  #onReload: OnReload = () => {};

  /** '' for no file. Throws a `StartError` for one that can't be read. */
  constructor(path: string) {
    this.#path = path;
    if (path !== '') this.#read();
  }

  get prices(): OwnPrices {
    return this.#prices;
  }

  /** Looks for changes from now on; a file that is broken leaves the prices as they are. */
  watch(onReload: OnReload): void {
    if (this.#path === '') return;
    this.#onReload = onReload;
    this.#timer = setInterval(() => this.look(), lookMs).unref();
  }

  /** Reads the file again if it has changed. */
  async look(): Promise<void> {
    if (this.#path === '') return;
    const seen = await stat(this.#path).then(stateOf, errorMessage);
    if (seen === this.#seen || !this.#timer) return;
    let fault: string | undefined;
    try {
      this.#read();
    } catch (error) {
      this.#seen = seen;
      fault = errorMessage(error);
    }
    this.#onReload(this.#prices, fault);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #read(): void {
    try {
      const stats = statSync(this.#path);
      this.#prices = parseOwnPrices(readFileSync(this.#path, 'utf8'), stats.mtime);
      this.#seen = stateOf(stats);
    } catch (error) {
      throw new StartError(`TELEMETRY_PRICES_FILE: ${this.#path}: ${errorMessage(error)}`);
    }
  }
}

const stateOf = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;
