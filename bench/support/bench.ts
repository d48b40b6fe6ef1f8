import { type CollectorProcess, spawnCollector } from '../../test/support/process.ts';
import { BenchPostgres } from './postgres.ts';
import type { Sizes } from './sizes.ts';

/** What one contestant did in one round. */
export interface Sample {
  /** Stored, every one of them counted. */
  readonly rows: number;
  readonly seconds: number;
  /** Processor seconds of each part; absent where there is no such part. */
  readonly cpuSeconds: {
    readonly client?: number;
    readonly collector?: number;
    readonly postgres: number;
  };
  /** Other numbers, by names that end in their unit. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Contestant {
  readonly name: string;
  /** Starts from empty tables. */
  measure(): Promise<Sample>;
}

/** Contestants beside each other, and what of them is not on this machine. */
export interface Lineup {
  readonly contestants: readonly Contestant[];
  readonly missing?: readonly { readonly name: string; readonly reason: string }[];
  /** Anything else worth a table. */
  readonly tables?: readonly Table[];
  close?(): Promise<void>;
}

export interface Table {
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

export interface Case {
  readonly name: string;
  readonly title: string;
  open(bench: Bench): Promise<Lineup>;
}

/** What all cases of a run share. */
export interface Bench {
  readonly postgres: BenchPostgres;
  readonly collector: CollectorProcess;
  readonly sizes: Sizes;
  readonly seed: number;
  /** Rates so far of streaming as fast as it goes over several connections, in rows a second. */
  readonly streamRates: number[];
  /** Says what has been measured so far. */
  readonly onProgress: (line: string) => void;
  close(): Promise<void>;
}

/** A collector on the run's PostgreSQL. */
export async function startCollector(postgres: BenchPostgres): Promise<CollectorProcess> {
  return await spawnCollector({ DATABASE_URL: postgres.url, TELEMETRY_LOG_LEVEL: 'info' });
}

export async function openBench({
  sizes,
  seed,
  onProgress,
}: Pick<Bench, 'sizes' | 'seed' | 'onProgress'>): Promise<Bench> {
  const postgres = await BenchPostgres.start();
  const collector = await startCollector(postgres);
  return {
    postgres,
    collector,
    sizes,
    seed,
    streamRates: [],
    onProgress,
    close: async () => {
      await collector.end('SIGTERM');
      await postgres.stop();
    },
  };
}
