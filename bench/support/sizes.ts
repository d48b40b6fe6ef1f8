/** How much a run does. */
export interface Sizes {
  /** Rows of each sample of the cases that load so many. */
  readonly rows: number;
  /** How often a sample is tried for which others leave too little of the machine. */
  readonly tries: number;
  /** How often a process does what is measured before it is. */
  readonly warmUps: number;
  /** How long each sample of the others lasts. */
  readonly seconds: number;
  /** Events a second where the load is steady. */
  readonly steadyRate: number;
  /** How long PostgreSQL stands still. */
  readonly stallSeconds: number;
  /** Of the RFC's own design: rows a batch, and requests offered a second. */
  readonly sweep: {
    readonly batchRows: readonly number[];
    readonly rates: readonly number[];
    readonly seconds: number;
  };
}

export function fullSizes(rows: number): Sizes {
  return {
    rows,
    ...{ tries: 3, warmUps: 2 },
    seconds: 4,
    steadyRate: 10_000,
    stallSeconds: 3,
    sweep: { batchRows: [50, 500, 2000], rates: [2000, 4000, 8000, 16_000], seconds: 2 },
  };
}

/** To see that everything works; the numbers mean nothing. */
export function smokeSizes(rows: number): Sizes {
  return {
    rows,
    ...{ tries: 1, warmUps: 0 },
    seconds: 0.3,
    steadyRate: 2000,
    stallSeconds: 0.6,
    sweep: { batchRows: [50], rates: [500], seconds: 0.3 },
  };
}
