export type Cell = string | number | bigint | undefined;

/** RFC 4180; what a spreadsheet would take for a formula is text. */
function csvOf(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell !== 'string') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As files and addresses take a name. */
export const slugOf = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

export function saveCsv(name: string, rows: readonly (readonly Cell[])[]): void {
  const blob = new Blob([csvOf(rows)], { type: 'text/csv' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${slugOf(name)}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}
