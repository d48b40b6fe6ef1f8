import { JsonScanner } from './scanner.ts';
import { readText } from './text.ts';

/** What is open around a position: a list at an index, or an object at a key. */
interface Open {
  index: number;
  key: { readonly at: number; readonly end: number; readonly escaped: boolean } | undefined;
}

/** Names and indexes on the way from the value that begins at `start` to a position inside it. */
export function pathTo(bytes: Buffer, start: number, position: number): string[] {
  const scanner = new JsonScanner(bytes);
  const open: Open[] = [];
  let string: Open['key'];
  for (let at = start; at < position; at++) {
    const top = open.at(-1);
    switch (String.fromCharCode(bytes[at] as number)) {
      case '"': {
        const end = scanner.string(at);
        string = { at, end, escaped: scanner.escaped };
        at = end - 1;
        break;
      }
      case ':':
        if (top) top.key = string;
        break;
      case ',':
        if (top) top.index += 1;
        break;
      case '{':
      case '[':
        open.push({ index: 0, key: undefined });
        break;
      case '}':
      case ']':
        open.pop();
    }
  }
  return open.map(({ index, key }) =>
    key ? readText(bytes, key.at, key.end, key.escaped) : String(index),
  );
}
