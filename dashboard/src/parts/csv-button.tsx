import { saveCsv } from './csv.ts';
import { Icon } from './icon.tsx';
import type { Column } from './table.tsx';

export function CsvButton<Row>(props: {
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}) {
  const { name, columns, rows } = props;
  const save = () => {
    const saved = columns.filter(({ isShownOnly }) => !isShownOnly);
    const head = saved.map(({ label, unit }) => (unit ? `${label} (${unit})` : label));
    saveCsv(name, [head, ...rows.map((row) => saved.map(({ value }) => value(row)))]);
  };
  return (
    <button type="button" class="btn ghost tiny" onClick={save} aria-label={`${name} as CSV`}>
      <Icon name="csv" />
      <span class="lbl-w">CSV</span>
    </button>
  );
}
