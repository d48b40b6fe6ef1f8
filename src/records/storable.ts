const replacement = '\uFFFD';

/**
 * PostgreSQL's text can't hold NUL, and UTF-8 can't hold half of a surrogate pair. Either becomes
 * U+FFFD, the replacement character, and is counted: the rest of the record is worth keeping.
 */
export class StorableText {
  /** Strings that had to be changed so far. */
  changed = 0;

  text(value: string): string {
    if (!value.includes('\0') && value.isWellFormed()) return value;
    this.changed += 1;
    return value.toWellFormed().replaceAll('\0', replacement);
  }
}
