import { tables } from '../records/tables.ts';
import { MetadataSums } from './metadata-sums.ts';
import type { PackedWriter } from './packed-writer.ts';
import type { RowFields } from './row-fields.ts';
import type { Shape } from './shapes.ts';
import { UsageRest } from './usage-rest.ts';

/** What there is to pack of a row, beside its series, its time and its first value. */
export interface PackedRest {
  /** Which parts there are of the row; 0 where there is none. */
  mask(row: RowFields): number;
  /** Writes them. */
  write(writer: PackedWriter, row: RowFields, mask: number): void;
}

export const restOf = (shape: Shape): PackedRest =>
  shape.kind === 'usage' ? new UsageRest(shape) : new MetadataRest(shape);

const metadata = tables.event.columns.indexOf('metadata');

/** Numbers in the metadata. */
class MetadataRest implements PackedRest {
  readonly #sums: MetadataSums;

  constructor({ sums }: Shape) {
    this.#sums = new MetadataSums(sums.map(({ name }) => name));
  }

  mask(row: RowFields): number {
    const from = row.at(metadata, 1);
    // jsonb begins with its version.
    return from === 0 ? 0 : this.#sums.read(row, from + 1, row.end(metadata));
  }

  write(writer: PackedWriter, _: RowFields, mask: number): void {
    const { found } = this.#sums;
    for (let index = 0; index < found.length; index++) {
      if ((mask & (1 << index)) !== 0) writer.int64(found[index] as number);
    }
  }
}
