import type { Registry } from 'prom-client';
import type { Health } from '../observe/health.ts';
import type { Fellows } from './fellows.ts';

/** What a process has to say to the others. */
interface Answering {
  readonly registry: Registry;
  readonly health: Health;
  /** In JSON. */
  readonly status: () => Promise<unknown>;
  readonly refreshKeys: () => Promise<void>;
}

/** Has a process answer the others, and hear what is in their way. */
export function answerFellows(
  fellows: Fellows,
  { registry, health, status, refreshKeys }: Answering,
): void {
  fellows.onAsked('metrics', async () => await registry.getMetricsAsJSON());
  fellows.onAsked('status', status);
  fellows.onAsked('refresh keys', refreshKeys);
  fellows.onTold((obstacles) => health.hear(obstacles));
}
