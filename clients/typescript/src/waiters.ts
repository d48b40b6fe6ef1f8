import { timerMsMax } from './timers.ts';

/** Those who wait for a condition, which is looked at whenever something has changed. */
export class Waiters {
  readonly #looks = new Set<() => void>();

  /** Whether it came true in time. The timer keeps the process alive: what is awaited would not. */
  until(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        if (isTrue()) end(true);
      };
      const end = (result: boolean) => {
        clearTimeout(timer);
        this.#looks.delete(look);
        resolve(result);
      };
      const timer = setTimeout(() => end(isTrue()), Math.min(timeoutMs, timerMsMax));
      this.#looks.add(look);
      look();
    });
  }

  changed(): void {
    for (const look of [...this.#looks]) look();
  }
}
