import { readText } from './text.ts';
import { endOfString } from './walk.ts';

/** What is open around a position: a list at an index, or an object at a key. */
interface Open {
  index: number;
  key: { readonly at: number; readonly end: number } | undefined;
}

/** Names and indexes on the way from the value that begins at `start` to a position inside it. */
export function pathTo(bytes: Buffer, start: number, position: number): string[] {
  const open: Open[] = [];
  let string: Open['key'];
  for (let at = start; at < position; at++) {
    const top = open.at(-1);
    switch (String.fromCharCode(bytes[at] as number)) {
      case '"': {
        const end = endOfString(bytes, at);
        string = { at, end };
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
    key ? readText(bytes, key.at, key.end, true) : String(index),
  );
}
