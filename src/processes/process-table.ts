import type { ToldObstacle } from '../observe/health.ts';
import { countsOfEnded, sumOf } from './counted.ts';

type Counts = ReturnType<typeof countsOfEnded>;

/** What a supervisor knows of its processes, by their numbers. */
export class ProcessTable {
  readonly #obstacles = new Map<number, readonly ToldObstacle[]>();
  readonly #counted = new Map<number, unknown>();
  #ended: Promise<Counts> = Promise.resolve([]);

  /** What a process has last said of itself, or what is said of it. */
  tell(number: number, obstacles: readonly ToldObstacle[]): void {
    this.#obstacles.set(number, obstacles);
  }

  /** What is in the way of all but one. */
  obstaclesBeside(number: number): readonly ToldObstacle[] {
    return [...this.#obstacles].flatMap(([each, told]) => (each === number ? [] : told));
  }

  /** What a process has counted so far. */
  counts(number: number, counted: unknown): void {
    if (counted !== undefined) this.#counted.set(number, counted);
  }

  /** As much as is known of it. */
  countsOf(number: number): unknown {
    return this.#counted.get(number);
  }

  /** A process has counted all that it ever will. */
  ended(number: number): void {
    const counted = this.#counted.get(number);
    this.#counted.delete(number);
    if (counted === undefined) return;
    this.#ended = this.#ended.then((before) => sumOf(before, countsOfEnded(counted)));
  }

  /** What processes that have ended have counted. */
  async countsOfEnded(): Promise<Counts> {
    return await this.#ended;
  }
}
