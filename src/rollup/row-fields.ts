const lengthBytes = 4;

/** Where the fields of a row are, which is a tuple of binary COPY. */
export class RowFields {
  rows: Uint8Array = new Uint8Array();
  bytes: DataView = new DataView(this.rows.buffer);
  /** Where the length before each field is, and last where the row ends. */
  readonly starts: Int32Array;

  /** `columns`: how many the table has. */
  constructor(columns: number) {
    this.starts = new Int32Array(columns + 1);
  }

  /** To be called before those of other rows are looked for. */
  begin(rows: Uint8Array): void {
    this.rows = rows;
    this.bytes = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  }

  /** Finds those of the row that begins there; returns where it ends, or `start` for a damaged one. */
  find(start: number): number {
    const { bytes, starts } = this;
    const last = bytes.byteLength - lengthBytes;
    if (start + 2 > bytes.byteLength) return start;
    const fields = bytes.getUint16(start);
    let at = start + 2;
    starts[0] = at;
    for (let field = 1; field <= fields; field++) {
      if (at > last) return start;
      const length = bytes.getInt32(at);
      at += length > 0 ? lengthBytes + length : lengthBytes;
      starts[field] = at;
    }
    // Rows of an earlier release have fewer.
    for (let field = fields + 1; field < starts.length; field++) starts[field] = at;
    return at > bytes.byteLength ? start : at;
  }

  /** Where the value of a field begins; 0 where it is null, or shorter than that. */
  at(field: number, bytesMin: number): number {
    const { starts } = this;
    const from = (starts[field] as number) + lengthBytes;
    return (starts[field + 1] as number) - from >= bytesMin ? from : 0;
  }

  /** Where it ends. */
  end(field: number): number {
    return this.starts[field + 1] as number;
  }

  text(field: number): string | null {
    const from = (this.starts[field] as number) + lengthBytes;
    if (this.bytes.getInt32(from - lengthBytes) < 0) return null;
    return Buffer.from(this.rows.subarray(from, this.end(field))).toString();
  }
}
