import { stripVTControlCharacters } from 'node:util';

/** Text of others, which might make a terminal do things, in one line. */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to be replaced
  stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
