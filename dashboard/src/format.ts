/** Between a number and its unit. */
export const narrow = '\u202f';
/** Nothing was measured; 0 is a measured zero. */
export const nothing = '–';

const withDigits = (value: number, least: number, most = least): string =>
  value.toLocaleString('en', { minimumFractionDigits: least, maximumFractionDigits: most });

/** Three digits, as many after the point as that takes. */
function significant(value: number): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(3, Math.max(0, 2 - size));
  return withDigits(value, Math.min(decimals, 2), decimals);
}

export const integer = (value: number): string => withDigits(Math.round(value), 0);

/** So many digits after the point, for columns of one precision. */
export const fixed = (decimals: number) => (value: number) => withDigits(value, decimals);

/** A count or a rate: 308, 12.4 k, 1.82 M. */
export function amount(value: number): string {
  const size = Math.abs(value);
  if (size < 9999.5) {
    return Number.isInteger(value) || size >= 100 ? integer(value) : significant(value);
  }
  const [divisor, unit] =
    size < 999_500
      ? [1e3, 'k']
      : size < 9.995e8
        ? [1e6, 'M']
        : size < 9.995e11
          ? [1e9, 'B']
          : ([1e12, 'T'] as const);
  return `${significant(value / divisor)}${narrow}${unit}`;
}

/** US dollars: from 1,000 whole, from 10 million in millions, below 1 three decimals, and never 0.00 for a little. */
export function dollars(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 9_999_999.5) return `${sign}$${amount(size)}`;
  if (size >= 999.995) return `${sign}$${integer(size)}`;
  if (size >= 0.9995 || size === 0) return `${sign}$${withDigits(size, 2)}`;
  return size >= 0.01 ? `${sign}$${withDigits(size, 3)}` : '<$0.01';
}

export function milliseconds(value: number): string {
  if (value < 999.5) return `${value < 9.95 ? significant(value) : integer(value)}${narrow}ms`;
  return seconds(value / 1000);
}

function seconds(value: number): string {
  if (value < 119.5) return `${withDigits(value, value < 9.995 ? 2 : 1)}${narrow}s`;
  const minutes = value / 60;
  if (minutes < 119.5) return `${integer(minutes)}${narrow}min`;
  const hours = minutes / 60;
  return hours < 47.5 ? `${integer(hours)}${narrow}h` : `${integer(hours / 24)}${narrow}d`;
}

/** How long ago, in the unit that fits. */
export const ago = (ms: number): string =>
  ms < 1500
    ? 'now'
    : `${ms < 59_500 ? `${integer(ms / 1000)}${narrow}s` : seconds(Math.max(ms / 1000, 120))} ago`;

/** Of a share from 0 to 1. */
export function percent(share: number): string {
  const value = share * 100;
  return `${withDigits(value, value !== 0 && Math.abs(value) < 9.995 ? 2 : 0)}${narrow}%`;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = value;
  while (Math.abs(size) >= 999.5 && units.length > 1) {
    size /= 1000;
    units.shift();
  }
  return `${units[0] === 'B' ? integer(size) : significant(size)}${narrow}${units[0]}`;
}

/** ▲ or ▼, by how much, in percent; empty where there is nothing to compare with. */
export function changeOf(value: number | undefined, before: number | undefined): string {
  if (value === undefined || !before) return '';
  const percents = (value / before - 1) * 100;
  return `${percents < 0 ? '▼' : '▲'}${narrow}${withDigits(Math.abs(percents), Math.abs(percents) < 9.95 ? 1 : 0)}${narrow}%`;
}
