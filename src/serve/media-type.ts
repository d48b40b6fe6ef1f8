/** A media type as RFC 9110 has it: names in lower case, values without their quotes. */
export interface MediaType {
  /** Type and subtype, for example `application/json`. */
  readonly essence: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Whether text of this type is UTF-8, which JSON always is and nothing else is read as. */
  readonly isUtf8: boolean;
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const token = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`;
const essencePattern = new RegExp(`^[ \\t]*(${token}/${token})[ \\t]*(?=;|$)`);
/** A parameter, or nothing: `a/b; ;c=d;` is legal (section 5.6.6). */
const parameterPattern = new RegExp(
  `;[ \\t]*(?:(${token})=(?:(${token})|"((?:[^"\\\\]|\\\\.)*)")[ \\t]*)?(?=;|$)`,
  'y',
);

const knownMax = 256;
const known = new Map<string, MediaType | undefined>();

/** Reads a `Content-Type`; undefined where there is none, or one that can't be read. */
export function parseMediaType(header: string | undefined): MediaType | undefined {
  if (header === undefined) return undefined;
  if (known.has(header)) return known.get(header);
  const parsed = parse(header);
  // Callers choose what is kept here: no more than anybody honest needs.
  if (known.size < knownMax) known.set(header, parsed);
  return parsed;
}

function parse(header: string): MediaType | undefined {
  const [start, essence] = essencePattern.exec(header) ?? [];
  if (start === undefined || essence === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (let at = start.length; at < header.length; at = parameterPattern.lastIndex) {
    parameterPattern.lastIndex = at;
    const found = parameterPattern.exec(header);
    if (!found) return undefined;
    const [, name, value, quoted] = found;
    if (name === undefined) continue;
    parameters.set(name.toLowerCase(), value ?? (quoted as string).replace(/\\(.)/g, '$1'));
  }
  const isUtf8 = /^utf-?8$/i.test(parameters.get('charset') ?? 'utf-8');
  return { essence: essence.toLowerCase(), parameters, isUtf8 };
}
