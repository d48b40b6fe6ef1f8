import { JsonDecoder } from '../serve/json-decoder.ts';
import { readTime } from './checks.ts';

/** By the names that JSON may give them. */
const timeFields: Readonly<Record<string, string>> = {
  start_time: 'start_time',
  startTime: 'start_time',
  end_time: 'end_time',
  endTime: 'end_time',
};

/** Refuses times that are none by their names: the library takes 31 September for 1 October. */
export class QueryDecoder extends JsonDecoder {
  override decode(...input: Parameters<TextDecoder['decode']>): string {
    const text = super.decode(...input);
    for (const [name, field] of Object.entries(timeFields)) {
      const value = text.includes(`"${name}"`) && fieldOf(text, name);
      if (typeof value === 'string') readTime(field, value);
    }
    return text;
  }
}

/** Of what is no JSON the library finds out itself. */
function fieldOf(text: string, name: string): unknown {
  try {
    return JSON.parse(text)?.[name];
  } catch {
    return undefined;
  }
}
