import type pg from 'pg';
import type { Config } from '../config.ts';
import type { Logger } from '../observe/logger.ts';
import { type ConnectionSettings, createPool, type PoolOptions } from '../postgres/pool.ts';
import {
  gossipLimits,
  readerLimits,
  type Settings,
  tailLimits,
  upkeepLimits,
  writerLimits,
} from '../postgres/settings.ts';

const silenceMarginMs = 5000;
const upkeepSilenceMs = 10_000;

/** A pool for each kind of work. */
export interface Pools {
  /** For commits: one connection a writer, two for unary requests and one for the spool. */
  readonly writers: pg.Pool;
  /** For queries. */
  readonly readers: pg.Pool;
  /** For what collectors tell each other every second or so, which nothing may delay. */
  readonly gossip: pg.Pool;
  /** For who follows what is committed: one connection, whoever follows. */
  readonly tails: pg.Pool;
  /** For rollups: the job, and the numbers of series, which writers wait for. */
  readonly rollups: pg.Pool;
  /** For the schema, the copying of older rows, retention, and checks. */
  readonly upkeep: pg.Pool;
}

/** `mayWrite`: whether there are tables to write to yet. */
export function createPools(
  config: Config,
  connection: ConnectionSettings,
  mayWrite: () => boolean,
  logger: Logger,
): Pools {
  const pool = (
    use: string,
    connectionsMax: number,
    limits: Settings,
    more: Pick<PoolOptions, 'access' | 'obstacle' | 'silenceMsMax' | 'askAfterMs'>,
  ) =>
    createPool({
      connection,
      applicationName: `gravitas-telemetry ${use}`,
      connectionsMax,
      limits,
      ...more,
      logger,
    });
  const queryLimits = { ...readerLimits, statement_timeout: config.queryMsMax };
  // The server ends a statement that takes too long; silence beyond that is no work.
  return {
    writers: pool('writer', config.writers + 2, writerLimits, {
      silenceMsMax: writerLimits.statement_timeout + silenceMarginMs,
      obstacle: () => (mayWrite() ? undefined : 'the schema is not up to date yet'),
    }),
    readers: pool('reader', config.queryConnectionsMax, queryLimits, {
      access: 'read only',
      silenceMsMax: config.queryMsMax + silenceMarginMs,
    }),
    gossip: pool('gossip', 1, gossipLimits, {
      silenceMsMax: gossipLimits.statement_timeout + silenceMarginMs,
    }),
    tails: pool('tail', 1, tailLimits, {
      access: 'read only',
      silenceMsMax: tailLimits.statement_timeout + silenceMarginMs,
    }),
    rollups: pool('rollups', 3, upkeepLimits, { askAfterMs: upkeepSilenceMs }),
    upkeep: pool('upkeep', 6, upkeepLimits, { askAfterMs: upkeepSilenceMs }),
  };
}
