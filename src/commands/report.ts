import { plain } from './plain.ts';

/** What a command has to say: the same for programs and for people. */
export interface Report {
  /** All of it, which `--json` prints as one document. */
  readonly json: unknown;
  /** For people: sentences, rows of a table, and single objects, one after another. */
  readonly shown: readonly (string | object)[];
  /** For people too, on the standard error: what is not to be piped on. */
  readonly notes?: readonly string[];
  /** Something is amiss, or not all was done: the command ends with 1. */
  readonly failed?: boolean;
}

/** Lines, of which none makes a terminal do things: what is quoted in them may be anybody's. */
const lines = (text: string): string => text.split('\n').map(plain).join('\n');

/** Prints a report, and has the process end as it says. */
export function print({ json, shown, notes = [], failed = false }: Report, asJson: boolean): void {
  if (asJson) console.log(JSON.stringify(json, plainNumber, 2));
  else {
    for (const note of notes) console.error(plain(note));
    for (const part of shown) printPart(part);
  }
  if (failed) process.exitCode = 1;
}

function printPart(part: string | object): void {
  if (typeof part === 'string') console.log(lines(part));
  else if (!Array.isArray(part)) console.log(part);
  else if (part.length > 0) console.table(part);
}

/** What PostgreSQL counts is exact, and JSON has no other numbers. */
const plainNumber = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint' ? Number(value) : value;
