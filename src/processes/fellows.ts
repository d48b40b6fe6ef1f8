import cluster, { type Worker } from 'node:cluster';
import type { ToldObstacle } from '../observe/health.ts';
import type { ConnectionSettings } from '../postgres/pool.ts';
import type { Begin, Question, ToProcess, ToSupervisor } from './messages.ts';

/** The other processes of a collector, as one of them sees them. */
export interface Fellows {
  /** This process's, from 1 on. */
  readonly number: number;
  /** The embedded PostgreSQL, where the supervisor has one. */
  readonly connection?: ConnectionSettings;
  /** What the others answer, and of metrics all; those that can't be asked are left out. */
  ask(question: Question): Promise<readonly unknown[]>;
  /** How others are answered. */
  onAsked(question: Question, answer: () => Promise<unknown>): void;
  /** Tells the others what is in the way here … */
  tell(obstacles: readonly ToldObstacle[]): void;
  /** … and hears what is in theirs. */
  onTold(hear: (obstacles: readonly ToldObstacle[]) => void): void;
}

/** A collector of one process. */
export const alone: Fellows = {
  number: 1,
  ask: async () => [],
  onAsked: () => {},
  tell: () => {},
  onTold: () => {},
};

/** One process of several, at the other end of the supervisor's channel. */
export class Membership implements Fellows {
  readonly number: number;
  readonly connection?: ConnectionSettings;
  readonly #worker: Worker;
  readonly #answers = new Map<Question, () => Promise<unknown>>();
  readonly #asked = new Map<number, (values: readonly unknown[]) => void>();
  #hear: (obstacles: readonly ToldObstacle[]) => void = () => {};
  #told: readonly ToldObstacle[] = [];
  #nextId = 0;
  /** Settled when the supervisor wants this process to stop. */
  readonly stopWanted: Promise<void>;
  readonly #stop = Promise.withResolvers<void>();

  private constructor(worker: Worker, { number, connection }: Begin) {
    this.#worker = worker;
    this.number = number;
    if (connection) this.connection = connection;
    this.stopWanted = this.#stop.promise;
    worker.on('message', (message: ToProcess) => void this.#onMessage(message));
  }

  /** Undefined in a process that nobody supervises. */
  static async join(): Promise<Membership | undefined> {
    // Whoever is supervised has a channel: without one, `node:cluster` need not be loaded.
    const worker = process.connected ? cluster.worker : undefined;
    if (!worker) return undefined;
    const { promise, resolve } = Promise.withResolvers<Membership>();
    const onMessage = (message: ToProcess) => {
      if (message.type !== 'begin') return;
      worker.off('message', onMessage);
      // At once: another message may follow on its heels.
      resolve(new Membership(worker, message));
    };
    worker.on('message', onMessage);
    // What comes before somebody listens is lost: so it is asked for.
    worker.send({ type: 'hello' } satisfies ToSupervisor);
    return await promise;
  }

  async ask(question: Question): Promise<readonly unknown[]> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<readonly unknown[]>();
    this.#asked.set(id, resolve);
    this.#send({ type: 'ask', id, question });
    return await promise;
  }

  onAsked(question: Question, answer: () => Promise<unknown>): void {
    this.#answers.set(question, answer);
  }

  tell(obstacles: readonly ToldObstacle[]): void {
    this.#send({ type: 'obstacles', obstacles });
  }

  onTold(hear: (obstacles: readonly ToldObstacle[]) => void): void {
    this.#hear = hear;
    hear(this.#told);
  }

  /** Tells the supervisor how far the start is. */
  reached(milestone: 'listening' | 'ready', port: number): void {
    this.#send({ type: 'reached', milestone, port });
  }

  /** Resolves when the supervisor has been told why this process can't start. */
  async failed(reason: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#worker.send({ type: 'failed', reason } satisfies ToSupervisor, () => resolve());
    await promise;
  }

  async #onMessage(message: ToProcess): Promise<void> {
    switch (message.type) {
      case 'ask': {
        const answer = this.#answers.get(message.question);
        // What is not there yet, or fails, has nothing to say.
        const value = await answer?.().catch(() => undefined);
        this.#send({ type: 'answer', id: message.id, value });
        break;
      }
      case 'answers':
        this.#asked.get(message.id)?.(message.values);
        this.#asked.delete(message.id);
        break;
      case 'obstacles':
        this.#told = message.obstacles;
        this.#hear(message.obstacles);
        break;
      case 'stop':
        this.#stop.resolve();
        break;
    }
  }

  /** A supervisor that is gone takes this process along. */
  #send(message: ToSupervisor): void {
    if (this.#worker.isConnected()) this.#worker.send(message, () => {});
  }
}
