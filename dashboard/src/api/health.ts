import { Code, ConnectError } from '@connectrpc/connect';
import { type Answer, refreshMs, useAnswer } from './answer.ts';

/** As `/readyz` tells it to everybody. */
export interface Health {
  readonly status: 'ready' | 'degraded' | 'not ready';
  readonly reasons: readonly string[];
  /** By part, since when it is unwell. */
  readonly since: Readonly<Record<string, string>>;
}

export const useHealth = (): Answer<Health> =>
  useAnswer(
    'health',
    async (signal) => {
      // Not ready is an answer too; what is no JSON is the page of a proxy that can't reach it.
      const response = await fetch('/readyz', { signal, cache: 'no-store' });
      if (response.headers.get('content-type')?.startsWith('application/json')) {
        return (await response.json()) as Health;
      }
      throw new ConnectError(`HTTP ${response.status}`, Code.Unavailable);
    },
    refreshMs,
  );
