const replacement = '\uFFFD';
const shortTextMax = 40;

/**
 * PostgreSQL's text can't hold NUL, and UTF-8 can't hold half of a surrogate pair. Either becomes
 * U+FFFD, the replacement character, and is counted: the rest of the record is worth keeping.
 */
export class StorableText {
  /** Strings that had to be changed so far. */
  changed = 0;

  text(value: string): string {
    if (isPlain(value) || (!value.includes('\0') && value.isWellFormed())) return value;
    this.changed += 1;
    return value.toWellFormed().replaceAll('\0', replacement);
  }
}

/** Most texts are short and plain: less to look at than it costs to ask. */
function isPlain(text: string): boolean {
  if (text.length > shortTextMax) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0 || code >= 0x80) return false;
  }
  return true;
}
