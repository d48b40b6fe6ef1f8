/** The length that stands for NULL. */
export const nullLength = -1;

/** Where the values of a tuple of binary COPY are; used for one after another. */
export class TupleFields {
  /** By column; `ends` is before `starts` where there is NULL, or no such column. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  /** `columns`: of the latest release; others have fewer. */
  constructor(columns: number) {
    this.starts = new Int32Array(columns);
    this.ends = new Int32Array(columns);
  }

  /** Finds the values of the tuple that begins at a position; returns where it ends. */
  find(bytes: Uint8Array, at: number): number {
    const fields = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    at += 2;
    this.ends.fill(-1);
    this.starts.fill(0);
    for (let field = 0; field < fields; field++) {
      const length =
        ((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number);
      at += 4;
      if (length === nullLength) continue;
      if (field < this.starts.length) {
        this.starts[field] = at;
        this.ends[field] = at + length;
      }
      at += length;
    }
    return at;
  }

  has(column: number): boolean {
    return (this.ends[column] as number) > (this.starts[column] as number);
  }
}
