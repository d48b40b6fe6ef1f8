import { join } from 'node:path';
import { type CollectorProcess, spawnCollector } from '../../test/support/process.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { Opened } from './opened.ts';
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
export interface RunContext {
  readonly sizes: Sizes;
  readonly seed: number;
  /** Rates so far of streaming as fast as it goes over several connections, in rows a second. */
  readonly streamRates: number[];
  /** Says what has been measured so far. */
  readonly onProgress: (line: string) => void;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** A collector and its PostgreSQL, of this checkout or of another one. */
export interface Bench extends RunContext {
  /** Of the checkout; absent for this one. */
  readonly root?: string;
  readonly postgres: BenchPostgres;
  readonly collector: CollectorProcess;
}

/** A collector of a checkout: on its embedded PostgreSQL where none is named. */
export async function startCollector(
  root: string | undefined,
  databaseUrl = '',
  more: Readonly<Record<string, string>> = {},
) {
  const directory = temporaryDirectory();
  const environment = {
    DATABASE_URL: databaseUrl,
    TELEMETRY_LOG_LEVEL: 'info',
    TELEMETRY_DATA_DIR: join(directory.path, 'data'),
    // Packages that are ours do not take in what another checkout compiles.
    ...more,
    ...(root && { NODE_COMPILE_CACHE: join(root, '.compiled') }),
  };
  const collector = await spawnCollector(environment, [], {
    ...(root && { root }),
    detached: true,
  });
  return {
    ...collector,
    close: async () => {
      await collector.end('SIGTERM');
      directory.remove();
    },
  };
}

export async function openBench(
  context: RunContext,
  opened: Opened,
  root?: string,
): Promise<Bench> {
  const collector = await opened.add(startCollector(root), ({ close }) => close());
  const { dataDirectory } = collector;
  const postgres = await opened.add(BenchPostgres.open(dataDirectory), (open) => open.close());
  return { ...context, ...(root && { root }), collector, postgres };
}
