import { type Comparison, isToldApart } from './comparison.ts';
import type { Report } from './report.ts';
import type { Section, Spread, Summary } from './summary.ts';

type Row = Readonly<Record<string, string | number>>;

/** The report for people. */
export function toMarkdown(report: Report, plotFile: string): string {
  const { machine, versions, settings, schema, sizes } = report;
  return [
    `# Benchmark of ${report.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `Rounds: ${report.rounds}; seed: ${report.seed}; ${sizes.rows.toLocaleString('en')} rows or ` +
      `${sizes.seconds} s a sample; ${report.minutes.toFixed(1)} minutes in all. Medians of the ` +
      'rounds, in brackets the least and the greatest. CPU is µs for each stored row.',
    ...busyWarning(machine),
    `![rows a second](${plotFile})`,
    ...(report.against ? comparison(report.against) : []),
    ...(report.goals.length > 0 ? ['## Goals', goalTable(report)] : []),
    ...report.sections.flatMap(section),
    '## Circumstances',
    table([...pairs(machine), ...pairs(versions), ...pairs(settings)]),
    `Columns of system_telemetry, in ${schema.partitions} partitions: ${schema.columns.join(', ')}.`,
    `\`\`\`sql\n${schema.indexes.join(';\n')};\n\`\`\``,
  ]
    .join('\n\n')
    .concat('\n');
}

function busyWarning({ processors, load_average_at_start }: Report['machine']): string[] {
  if (load_average_at_start < processors / 4) return [];
  const load = numberText(load_average_at_start);
  return [
    `**The machine was busy when this began (load average ${load}): nothing follows from it.**`,
  ];
}

function comparison({ name, pairs }: Comparison): string[] {
  const rows = pairs.map(({ case: section, contestant, ratios }) => ({
    contestant: `${section}: ${contestant}`,
    ...Object.fromEntries(
      Object.entries(ratios).map(([number, ratio]) => {
        const text = spreadText(ratio);
        return [number, isToldApart(ratio) ? `**${text}**` : text];
      }),
    ),
  }));
  return [
    `## This checkout by ${name}`,
    'Ratios of the pairs, round by round: above 1 it has more of it than that commit. In bold ' +
      'where all rounds agree.',
    table(rows),
  ];
}

function goalTable({ goals }: Report): string {
  return table(
    goals.map(({ goal, bound, measured, met }) => ({
      goal,
      bound,
      measured,
      met: met ? 'yes' : '**no**',
    })),
  );
}

function section({ name, title, summaries, missing, tables }: Section): string[] {
  return [
    `## ${name}: ${title}`,
    table(summaries.map(summaryRow)),
    ...missing.map((each) => `${each.name}: ${each.reason}.`),
    ...tables.flatMap((each) => [`### ${each.title}`, table(each.rows)]),
  ];
}

function summaryRow({ name, rowsPerSecond, cpuUsPerRow, figures }: Summary): Row {
  const cpu = (part: keyof typeof cpuUsPerRow) => {
    const value = cpuUsPerRow[part];
    return value ? spreadText(value) : '–';
  };
  return {
    contestant: name,
    'rows/s': spreadText(rowsPerSecond),
    'client µs': cpu('client'),
    'collector µs': cpu('collector'),
    'PostgreSQL µs': cpu('postgres'),
    ...Object.fromEntries(
      Object.entries(figures).map(([figure, value]) => [figure, spreadText(value)]),
    ),
  };
}

/** With a column for every key that any of the rows has. */
function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (value: string | number = '') =>
    typeof value === 'number' ? numberText(value) : value;
  return [
    line(columns.map((column) => column.replaceAll('_', ' '))),
    line(columns.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ].join('\n');
}

const pairs = (record: object): Row[] =>
  Object.entries(record).map(([name, value]) => ({ what: name.replaceAll('_', ' '), value }));

function spreadText({ median, min, max }: Spread): string {
  const [middle, least, greatest] = [median, min, max].map(numberText);
  return least === greatest ? `${middle}` : `${middle} (${least}–${greatest})`;
}

/** Three digits, or all that stand before the point. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const maximumFractionDigits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits });
}
