import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { ConnectionSettings } from '../postgres/pool.ts';
import { closeUntaken } from './handed-over.ts';
import type { Question, ToProcess, ToSupervisor } from './messages.ts';
import { ProcessTable } from './process-table.ts';
import { Questions } from './questions.ts';

export interface SupervisorOptions {
  readonly processes: number;
  /** The embedded PostgreSQL, where there is one. */
  readonly connection?: ConnectionSettings;
  readonly logger: Logger;
}

/** How long after its end a process is started again: longer and longer, until one has lasted. */
const pauseMsMin = 100;
const pauseMsMax = 10_000;
const lastedMs = 30_000;

/** One of the processes that there should be. */
interface Seat {
  readonly number: number;
  worker: Worker;
  startedAt: number;
  pauseMs: number;
  isReady: boolean;
}

/**
 * Starts processes that accept connections from one port, starts those that end again, and passes
 * on what they have to say to each other.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #seats: Seat[] = [];
  readonly #table = new ProcessTable();
  readonly #questions = new Questions();
  readonly #ready = Promise.withResolvers<number>();
  /** Whether any process has listened yet, and how many have ended before. */
  #hasListened = false;
  #earlyEnds = 0;
  #isReady = false;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logger = options.logger;
    // Connections last: they are dealt out in turn, not to whoever is quickest.
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ serialization: 'advanced' });
    this.#ready.promise.catch(() => {});
  }

  /** Resolves with the port when all are ready; throws a `StartError` where they will never be. */
  get ready(): Promise<number> {
    return this.#ready.promise;
  }

  start(): void {
    for (let number = 1; number <= this.#options.processes; number++) {
      const seat = { number, startedAt: 0, pauseMs: pauseMsMin, isReady: false };
      this.#seats.push(this.#fork(seat as Seat));
    }
  }

  /** Nothing goes on after this, be it that a process can't start or that something else is in the way. */
  fail(error: Error): void {
    this.#ready.reject(error);
  }

  /** What processes answer, of those that do in time; `but`: which is not asked. */
  async ask(question: Question, but?: number): Promise<readonly unknown[]> {
    const asked = this.#seats.filter(
      ({ number, worker }) => number !== but && worker.isConnected(),
    );
    const values = await Promise.all(asked.map((seat) => this.#askOne(seat, question)));
    if (question !== 'metrics') return values.filter((value) => value !== undefined);
    const known = this.#seats
      .filter(({ number }) => number !== but)
      .map(({ number }) => this.#table.countsOf(number))
      .filter((counts) => counts !== undefined);
    return [...known, await this.#table.countsOfEnded()];
  }

  /** Has all processes stop, and kills those that have not by then. */
  async stop(msMax: number): Promise<void> {
    this.#stopping = true;
    const left = this.#seats.map(({ worker }) => worker).filter(isRunning);
    const exits = left.map(async (worker) => await once(worker, 'exit'));
    for (const worker of left) send(worker, { type: 'stop' });
    const late = new AbortController();
    const ended = Promise.all(exits).finally(() => late.abort());
    await sleep(msMax, undefined, { signal: late.signal }).catch(() => {});
    for (const worker of left) if (isRunning(worker)) worker.process.kill('SIGKILL');
    await ended;
  }

  async #askOne({ number, worker }: Seat, question: Question): Promise<unknown> {
    const value = await this.#questions.put((id) => send(worker, { type: 'ask', id, question }));
    // What one that has ended had counted is settled.
    if (question === 'metrics' && !worker.isDead()) this.#table.counts(number, value);
    return value;
  }

  #fork(seat: Seat): Seat {
    const worker = cluster.fork();
    seat.worker = worker;
    seat.startedAt = performance.now();
    seat.isReady = false;
    this.#absent(seat, 'is being started');
    worker.on('message', (message: ToSupervisor) => this.#onMessage(seat, message));
    worker.once('exit', (code, signal) => this.#onExit(seat, { code, signal }));
    worker.on('error', (err) => {
      // The system may have no room for another one; otherwise its end says what there is to say.
      if (!wasStarted(worker)) this.#onExit(seat, { err });
    });
    if (wasStarted(worker)) closeUntaken(worker);
    return seat;
  }

  /** The others take what comes meanwhile. */
  #absent({ number }: Seat, what: string): void {
    const reason = `process ${number} ${what}`;
    this.#tell(number, [{ part: 'processes', reason, blocking: false, since: new Date() }]);
  }

  #tell(number: number, obstacles: Parameters<ProcessTable['tell']>[1]): void {
    this.#table.tell(number, obstacles);
    for (const seat of this.#seats) {
      if (seat.number !== number) this.#tellOthers(seat);
    }
  }

  #tellOthers({ number, worker }: Seat): void {
    send(worker, { type: 'obstacles', obstacles: this.#table.obstaclesBeside(number) });
  }

  #onMessage(seat: Seat, message: ToSupervisor): void {
    const { number, worker } = seat;
    const { connection } = this.#options;
    switch (message.type) {
      case 'hello':
        send(worker, { type: 'begin', number, ...(connection && { connection }) });
        this.#tellOthers(seat);
        if (this.#stopping) send(worker, { type: 'stop' });
        break;
      case 'reached':
        this.#onReached(seat, message);
        break;
      case 'failed':
        if (!this.#isReady) this.fail(new StartError(message.reason));
        this.#logger.error({ process: number }, message.reason);
        break;
      case 'obstacles':
        // One that stops takes no connections any more, and is in nobody's way.
        this.#tell(
          number,
          message.obstacles.filter(({ part }) => part !== 'shutdown'),
        );
        break;
      case 'ask':
        // What a process shows of itself must be known here when it ends.
        void this.ask(message.question, message.question === 'metrics' ? undefined : number).then(
          (values) => send(worker, { type: 'answers', id: message.id, values }),
        );
        break;
      case 'answer':
        this.#questions.answered(message.id, message.value);
        break;
    }
  }

  #onReached(seat: Seat, { milestone, port }: ToSupervisor & { type: 'reached' }): void {
    if (milestone === 'listening') this.#hasListened = true;
    else seat.isReady = true;
    if (this.#isReady || !this.#seats.every(({ isReady }) => isReady)) return;
    this.#isReady = true;
    this.#ready.resolve(port);
  }

  #onExit(seat: Seat, how: object): void {
    const { number } = seat;
    this.#table.ended(number);
    if (this.#stopping) return;
    this.#logger.error({ process: number, ...how }, 'a process has ended');
    this.#absent(seat, 'has ended, and is started again');
    if (!this.#hasListened) this.#earlyEnds += 1;
    if (!this.#hasListened && this.#earlyEnds >= this.#options.processes) {
      this.fail(new StartError(`all ${this.#earlyEnds} processes ended before they could listen`));
      return;
    }
    const hasLasted = performance.now() - seat.startedAt > lastedMs;
    const pauseMs = hasLasted ? pauseMsMin : seat.pauseMs;
    seat.pauseMs = Math.min(2 * pauseMs, pauseMsMax);
    setTimeout(() => this.#forkAgain(seat), pauseMs);
  }

  #forkAgain(seat: Seat): void {
    if (this.#stopping) return;
    try {
      this.#fork(seat);
    } catch (err) {
      // So it comes where memory is short.
      this.#onExit(seat, { err });
    }
  }
}

const wasStarted = ({ process: { pid } }: Worker): boolean => pid !== undefined;
const isRunning = (worker: Worker): boolean => wasStarted(worker) && !worker.isDead();

function send(worker: Worker, message: ToProcess): void {
  // One that is ending hears nothing any more.
  if (worker.isConnected()) worker.send(message, () => {});
}
