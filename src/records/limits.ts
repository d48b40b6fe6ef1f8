/** The one place for the limits that a record has to keep, whatever protocol it came by. */
export const limits = {
  /** Code points, which the columns of older tables count too. None takes more than four bytes. */
  nameCharactersMax: 256,
  statusCharactersMax: 64,
  /** Of JSON without space between its parts and without exponents, as jsonb writes it. */
  metadataBytesMax: 64 * 1024,
  metadataDepthMax: 32,
  /** Any double can be written within them exactly. */
  numberDecimalsMax: 1074,
  /** Beyond it a number in JSON is no longer exact. */
  tokensMax: Number.MAX_SAFE_INTEGER,
} as const;

/** What is wrong with a record. No `Error`: a batch may have thousands, whose stacks nobody reads. */
export class FieldFault {
  /** Path of the field at fault; empty where it is the record as a whole. */
  readonly field: string;
  readonly message: string;

  constructor(field: string, reason: string) {
    this.field = field;
    this.message = reason;
  }
}
