/** A number that somebody has given as an option; an error that names it where it is none. */
export function numberOption(name: string, text: string, { min = 0, isWhole = true } = {}): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (number >= min && (!isWhole || Number.isInteger(number))) return number;
  const kind = isWhole ? 'a whole number' : 'a number';
  throw new Error(`--${name}: expects ${kind} of at least ${min}, not ${JSON.stringify(text)}`);
}
