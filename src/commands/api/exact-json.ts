import { asWritten, parseNumbers } from '../../query/exact-numbers.ts';

/** JSON whose numbers JSON.stringify writes digit by digit as they were. */
export const parseExactly = (text: string): unknown => parseNumbers(text, asWritten);
