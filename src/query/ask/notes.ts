import { ServiceError } from '../../errors.ts';

export interface Note {
  readonly field: string;
  readonly message: string;
}

/** What is not done as it was asked for: an answer says so. */
export class Notes {
  all: readonly Note[] = [];
  /** Of fields that had more than the most. */
  readonly #asked = new Map<string, number>();

  add(field: string, message: string): void {
    this.all = [...this.all, { field, message }];
  }

  /** A number of at least 0; more than the most means the most. */
  within(field: string, value: number, max: number): number {
    if (!(value >= 0)) {
      throw new ServiceError('invalid', `${field} is ${value}; it must be from 0 to ${max}`, {
        field,
      });
    }
    if (value <= max) return value;
    // Bounded once more: what was asked for stays what is told.
    const asked = this.#asked.get(field) ?? value;
    this.#asked.set(field, asked);
    this.all = this.all.filter((note) => note.field !== field);
    this.add(field, `is ${asked}; the most is ${max}`);
    return max;
  }

  /** The same of a whole number, where 0 stands for the default. */
  limit(field: string, value: number, standard: number, max: number): number {
    return this.within(field, value, max) || standard;
  }
}
