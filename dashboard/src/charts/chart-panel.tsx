import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Answer } from '../api/answer.ts';
import { away } from '../api/reach.ts';
import { nothing } from '../format.ts';
import { slugOf } from '../parts/csv.ts';
import { CsvButton } from '../parts/csv-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Answered, Blank, isRefused, Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { change, param } from '../state/address.ts';
import { zone } from '../state/zone.ts';
import { Chart } from './chart.tsx';
import type { ChartModel } from './model.ts';

export interface ChartPanelProps<T> {
  readonly title: string;
  readonly subtitle?: ComponentChildren;
  readonly size?: string;
  readonly height?: number;
  readonly answer: Answer<T>;
  /** Undefined where there is nothing to draw. */
  modelOf(value: T): ChartModel | undefined;
  /** What the drawing depends on beside the answer. */
  readonly also?: unknown;
  /** Says that there is nothing, and when there was something last. */
  readonly empty: ComponentChildren;
  readonly emptyTitle: string;
  /** Above the drawing. */
  readonly legend?: (value: T) => ComponentChildren;
  /** What the places are called in the table. */
  readonly placeLabel?: string;
}

interface TableRow {
  readonly head: string;
  readonly at: number;
}

/** A line of it, and the room below. */
const legendPixels = 24;

/** A drawing of what was answered, and the same as a table and as a file. */
export function ChartPanel<T>(props: ChartPanelProps<T>) {
  const { title, answer, modelOf, height = 168 } = props;
  const [isTable, setTable] = shownAsTable(title);
  const { value } = answer;
  // The same answer is not drawn again, however often the page renders.
  const drawn = useMemo(
    () => (value === undefined ? undefined : modelOf(value)),
    [value, props.also, zone.value, away.value],
  );
  const model = isRefused(answer) ? undefined : drawn;
  const table = model && tableOf(model, props.placeLabel ?? 'Time');
  const tools = table && (
    <>
      <button
        type="button"
        class="btn ghost tiny"
        aria-pressed={isTable}
        aria-label={`${title} as a table`}
        onClick={() => setTable(!isTable)}
      >
        <Icon name="table" />
        <span class="lbl-w">Table</span>
      </button>
      <CsvButton name={title} {...table} />
    </>
  );
  return (
    <Panel
      title={title}
      subtitle={props.subtitle}
      tools={tools}
      {...(props.size && { size: props.size })}
    >
      <Answered answer={answer} height={height}>
        {(value) => {
          if (!model || !table) {
            return (
              <Blank title={props.emptyTitle} height={height}>
                {props.empty}
              </Blank>
            );
          }
          if (isTable) return <Table label={title} {...table} isPlain={model.series.length < 2} />;
          return (
            <>
              {props.legend?.(value)}
              <Chart
                label={title}
                model={model}
                height={props.legend ? height - legendPixels : height}
              />
            </>
          );
        }}
      </Answered>
    </Panel>
  );
}

/** The address names the drawings that are shown as tables. */
function shownAsTable(title: string) {
  const name = slugOf(title);
  const names = param('tables').split(' ').filter(Boolean);
  const others = names.filter((each) => each !== name);
  const set = (isTable: boolean) =>
    change({ tables: (isTable ? [...others, name] : others).join(' ') });
  return [names.includes(name), set] as const;
}

/** The newest first; what is drawn is not rounded in it. */
function tableOf(model: ChartModel, placeLabel: string) {
  const { kind, places, series, unit, show } = model;
  const columns: Column<TableRow>[] = [
    { label: placeLabel, value: ({ head }) => head },
    ...series.map(({ name, values, isForecast }) => ({
      label: name,
      unit,
      isNumeric: true,
      value: ({ at }: TableRow) => values[at] ?? undefined,
      show: ({ at }: TableRow) => {
        const value = values[at] ?? null;
        return value === null ? (isForecast ? nothing : 'no data') : show(value);
      },
    })),
  ];
  const rows = places.map((place, at) => ({ head: model.head(place), at }));
  return { columns, rows: kind === 'lines' ? rows.reverse() : rows };
}
