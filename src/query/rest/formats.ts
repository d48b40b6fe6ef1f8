import { ServiceError } from '../../errors.ts';

export type Format = 'json' | 'csv' | 'ndjson';

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
};

const byMediaType: ReadonlyMap<string, Format> = new Map([
  ['application/json', 'json'],
  ['text/csv', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
]);

/** The form of an answer: by ?format=, else by what is accepted, else JSON. */
export function readFormat(given: string | null, accept: string | undefined): Format {
  if (given) {
    const format = (Object.keys(mediaTypes) as Format[]).find((each) => each === given);
    if (format) return format;
    const reason = `format is ${JSON.stringify(given)}, none of json, csv and ndjson`;
    throw new ServiceError('invalid', reason, { field: 'format' });
  }
  const accepted = (accept ?? '').split(',').map((each) => {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { format: byMediaType.get(type), q: q === undefined ? 1 : Number(q.slice(2)) };
  });
  const best = accepted
    .filter(({ format, q }) => format !== undefined && q > 0)
    .reduce<{ format: Format | undefined; q: number }>((a, b) => (b.q > a.q ? b : a), {
      format: undefined,
      q: 0,
    });
  return best.format ?? 'json';
}

/** What is a list, as rows of the same columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export function csv({ columns, rows }: Table): string {
  const lines = rows.map((row) => columns.map((name) => row[name]));
  return [columns, ...lines].map(csvLine).join('');
}

/** RFC 4180. What is absent is empty, an empty text is quoted, objects are JSON. */
export const csvLine = (values: readonly unknown[]): string => `${values.map(cell).join(',')}\r\n`;

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const ndjson = ({ rows }: Table): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');
