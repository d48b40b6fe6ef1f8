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

/** What can be unwell, so that each has its series from the start. */
const parts = [
  'database',
  'schema',
  'commit',
  'drain',
  'spool',
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
  'shutdown',
] as const;
export type HealthPart = (typeof parts)[number];

/**
 * What is in the way of the collector's work, as its parts have found out by doing it, since when,
 * and who wants to know when that changes. What begins and what ends is logged.
 */
export class Health {
  readonly #obstacles = new Map<HealthPart, Obstacle>();
  readonly #changes = new EventEmitter();
  readonly #logger: Logger | undefined;

  constructor(logger?: Logger) {
    this.#logger = logger;
    this.#changes.setMaxListeners(0);
  }

  /** Since when something is in the way of a part; undefined while it is well. */
  since(part: HealthPart): Date | undefined {
    return this.#obstacles.get(part)?.since;
  }

  get readiness(): Readiness {
    const obstacles = [...this.#obstacles];
    return {
      ready: obstacles.every(([, { blocking }]) => !blocking),
      reasons: obstacles.map(([part, { reason }]) => `${part}: ${reason}`),
    };
  }

  get status(): 'ready' | 'degraded' | 'not ready' {
    if (!this.readiness.ready) return 'not ready';
    return this.#obstacles.size === 0 ? 'ready' : 'degraded';
  }

  /** By part, in JSON. */
  get unwellSince(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#obstacles].map(([part, { since }]) => [part, since.toISOString()]),
    );
  }

  /** What is in the way, of what, and since when. */
  get obstacles(): readonly (Obstacle & { readonly part: HealthPart })[] {
    return [...this.#obstacles].map(([part, obstacle]) => ({ part, ...obstacle }));
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

export function measureHealth(health: Health, registry: Registry): void {
  new Gauge({
    name: 'telemetry_unwell_since_seconds',
    help: 'Since when, as a Unix time, something is in the way of a part; 0 while it is well.',
    labelNames: ['part'],
    registers: [registry],
    collect() {
      for (const part of parts) this.set({ part }, (health.since(part)?.getTime() ?? 0) / 1000);
    },
  });
}
