import { EventEmitter, on } from 'node:events';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/** Whether the collector can do its work, and what is in its way. */
export interface Readiness {
  /** It takes data, be it into its spool. */
  readonly ready: boolean;
  /** For people. Some of it does not keep the collector from its work, but should be looked at. */
  readonly reasons: readonly string[];
}

interface Obstacle {
  readonly reason: string;
  /** When the part began to be unwell, for whatever reason it is now. */
  readonly since: Date;
  readonly blocking: boolean;
}

/** The same, as it is told. */
export type ToldObstacle = Obstacle & { readonly part: HealthPart };

/** What can be unwell, so that each has its series from the start. */
const parts = [
  'database',
  'cluster',
  'schema',
  'commit',
  'drain',
  'spool',
  'spools left',
  'disk',
  'clock',
  'partitions',
  'tables',
  'adoption',
  'older tables',
  'certificate',
  'rollups',
  'older rows',
  'retention',
  'verification',
  'processes',
  'shutdown',
] as const;
export type HealthPart = (typeof parts)[number];

/**
 * What is in the way of the collector's work, as its parts have found out by doing it, since when,
 * and who wants to know when that changes. What begins and what ends is logged.
 */
export class Health {
  readonly #obstacles = new Map<HealthPart, Obstacle>();
  /** What other processes of the same collector have told. */
  #others: readonly ToldObstacle[] = [];
  readonly #onChange: (own: readonly ToldObstacle[]) => void;
  readonly #changes = new EventEmitter();
  readonly #logger: Logger | undefined;

  /** `onChange` hears what is in the way of this process, whenever that is another thing. */
  constructor(logger?: Logger, onChange: (own: readonly ToldObstacle[]) => void = () => {}) {
    this.#logger = logger;
    this.#onChange = onChange;
    this.#changes.setMaxListeners(0);
  }

  /** Since when something is in the way of a part; undefined while it is well. */
  since(part: HealthPart): Date | undefined {
    return this.#obstacles.get(part)?.since;
  }

  /** Of all processes. */
  get readiness(): Readiness {
    const obstacles = this.#all;
    return {
      ready: obstacles.every(({ blocking }) => !blocking),
      reasons: [...new Set(obstacles.map(({ part, reason }) => `${part}: ${reason}`))],
    };
  }

  /** Of all processes. */
  get status(): 'ready' | 'degraded' | 'not ready' {
    if (!this.readiness.ready) return 'not ready';
    return this.#all.length === 0 ? 'ready' : 'degraded';
  }

  /** By part, in JSON, of all processes. */
  get unwellSince(): Readonly<Record<string, string>> {
    const latestFirst = this.#all.toSorted((a, b) => b.since.getTime() - a.since.getTime());
    return Object.fromEntries(latestFirst.map(({ part, since }) => [part, since.toISOString()]));
  }

  /** What is in the way of this process, of what, and since when. */
  get obstacles(): readonly ToldObstacle[] {
    return [...this.#obstacles].map(([part, obstacle]) => ({ part, ...obstacle }));
  }

  get #all(): readonly ToldObstacle[] {
    return [...this.obstacles, ...this.#others];
  }

  /** What is in the way of the other processes takes the place of what was. */
  hear(others: readonly ToldObstacle[]): void {
    const { ready } = this.readiness;
    this.#others = others;
    if (this.readiness.ready !== ready) this.#changes.emit('change');
  }

  /** Whether all processes are well in this. */
  areAllWell(...parts: readonly HealthPart[]): boolean {
    return !this.#all.some(({ part }) => parts.includes(part));
  }

  isWell(...parts: readonly HealthPart[]): boolean {
    return parts.every((part) => !this.#obstacles.has(part));
  }

  /** Notes what every start or stop begins with: nothing to be warned of. */
  expect(part: HealthPart, reason: string, blocking = true): void {
    this.#note(part, reason, blocking, 'info');
  }

  /**
   * Notes what is wrong with a part, and whether nothing goes without it; undefined when it is well.
   * Everybody may read the reason; `cause`, if there is one, is for the log.
   */
  report(part: HealthPart, reason: string | undefined, blocking = true, cause?: unknown): void {
    this.#note(part, reason, blocking, 'warn', cause);
  }

  #note(
    part: HealthPart,
    reason: string | undefined,
    blocking: boolean,
    level: 'info' | 'warn',
    cause?: unknown,
  ): void {
    const { ready } = this.readiness;
    const before = this.#obstacles.get(part);
    if (reason === undefined) this.#obstacles.delete(part);
    else this.#obstacles.set(part, { reason, blocking, since: before?.since ?? new Date() });
    if (!before && reason !== undefined) {
      this.#logger?.[level](
        { part, reason, ...(cause !== undefined && { err: cause }) },
        'degraded',
      );
    }
    if (before && reason === undefined) {
      this.#logger?.info({ part, since: before.since }, 'well again');
    }
    if (this.readiness.ready !== ready) this.#changes.emit('change');
    if (isOther(before, this.#obstacles.get(part))) {
      this.#onChange(this.obstacles);
    }
  }

  /** The present readiness, then each one that follows, until the signal. */
  async *watch(signal: AbortSignal): AsyncGenerator<Readiness> {
    if (signal.aborted) return;
    const changes = on(this.#changes, 'change', { signal });
    yield this.readiness;
    try {
      for await (const _ of changes) yield this.readiness;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

const isOther = (before: Obstacle | undefined, after: Obstacle | undefined): boolean =>
  before?.reason !== after?.reason || before?.blocking !== after?.blocking;

export function measureHealth(health: Health, registry: Registry): void {
  new Gauge({
    name: 'telemetry_unwell_since_seconds',
    aggregator: 'max',
    help: 'Since when, as a Unix time, something is in the way of a part; 0 while it is well.',
    labelNames: ['part'],
    registers: [registry],
    collect() {
      for (const part of parts) this.set({ part }, (health.since(part)?.getTime() ?? 0) / 1000);
    },
  });
}
