import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { announce } from '../parts/live-region.tsx';
import { theme } from '../state/theme.ts';
import { type ChartModel, lastOf } from './model.ts';
import { dataOf, hasLabels, optionsOf } from './options.ts';

export interface ChartProps {
  /** For those who do not see it. */
  readonly label: string;
  readonly model: ChartModel;
  readonly height?: number;
}

/** Pointer and keys move one cursor; only the keys speak. */
export function Chart({ label, model, height = 168 }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const place = useRef<number | undefined>(undefined);
  const [shown, setShown] = useState<number | undefined>();
  const [size, setSize] = useState({ width: 0, height: 0 });
  const isLegend = model.series.length > 1 && !hasLabels(model, size.width || 1000);

  useLayoutEffect(() => {
    const element = holder.current as HTMLDivElement;
    const measure = () => {
      const { clientWidth, clientHeight } = element;
      setSize({ width: clientWidth, height: clientHeight });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const draw = () => {
    plot.current?.destroy();
    plot.current = undefined;
    if (size.width < 40 || size.height < 40) return;
    const onCursor = ({ cursor }: uPlot) => {
      if (cursor.idx !== null && cursor.idx !== undefined && (cursor.left ?? -1) >= 0) {
        place.current = model.places[cursor.idx];
        setShown(cursor.idx);
      } else setShown(undefined);
    };
    const drawn = new uPlot(
      optionsOf(model, size, onCursor),
      dataOf(model),
      holder.current as HTMLElement,
    );
    plot.current = drawn;
    if (shown !== undefined && place.current !== undefined) moveTo(nearest(model, place.current));
  };
  const moveTo = (at: number) => {
    const drawn = plot.current;
    if (drawn) drawn.setCursor({ left: drawn.valToPos(model.places[at] as number, 'x'), top: 0 });
  };
  useLayoutEffect(draw, [model, size.width, size.height, theme.value]);
  useLayoutEffect(() => () => plot.current?.destroy(), []);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = model.places.length - 1;
    const at = shown ?? last;
    const aims: Record<string, number> = {
      ArrowLeft: shown === undefined ? last : at - 1,
      ArrowRight: at + 1,
      PageUp: at - 10,
      PageDown: at + 10,
      Home: 0,
      End: last,
    };
    if (event.key === 'Escape') plot.current?.setCursor({ left: -10, top: -10 });
    else if (event.key in aims) {
      const aim = Math.max(0, Math.min(last, aims[event.key] as number));
      moveTo(aim);
      announce(
        `${model.head(model.places[aim] as number)}: ${readingsAt(model, aim)
          .map(({ name, text }) => `${name} ${text}`)
          .join(', ')}`,
      );
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      class="chart"
      role="img"
      tabIndex={0}
      aria-label={`${label}. Chart; arrow keys move the cursor, or show it as a table.`}
      onKeyDown={onKeyDown}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
      style={{ minHeight: `${height}px` }}
    >
      {isLegend && <Legend model={model} />}
      <div class="plot" ref={holder} />
      {shown !== undefined && plot.current && (
        <Readout
          model={model}
          at={Math.min(shown, model.places.length - 1)}
          plot={plot.current}
          width={size.width}
        />
      )}
    </div>
  );
}

const nearest = ({ places }: ChartModel, place: number): number => {
  const after = places.findIndex((each) => each >= place);
  return after < 0 ? places.length - 1 : after;
};

function readingsAt(model: ChartModel, at: number) {
  const readings = model.series.map(({ name, colour, values, isForecast }) => ({
    name,
    colour,
    isForecast,
    value: values[at] ?? null,
  }));
  const told = readings.filter(({ value, isForecast }) =>
    model.kind === 'bars' ? value : value !== null || !isForecast,
  );
  const rows = told.map((reading) => ({
    ...reading,
    text: reading.value === null ? 'no data' : model.show(reading.value),
  }));
  if (model.kind === 'lines' || model.series.length < 2) return rows;
  const total = rows.reduce((sum, { value }) => sum + (value ?? 0), 0);
  return [
    ...rows,
    { name: 'Total', colour: undefined, isForecast: false, text: model.show(total) },
  ];
}

const Legend = ({ model }: { model: ChartModel }) => (
  <div class="legend">
    {model.series.map((series) => {
      const last = lastOf(series);
      return (
        <span class="key" key={series.name}>
          <i class={keyClass(model, series)} />
          {series.name}
          {model.kind === 'lines' && last && <b> {model.show(last.value)}</b>}
        </span>
      );
    })}
  </div>
);

const keyClass = (
  { kind }: ChartModel,
  { colour, isForecast }: { colour: string; isForecast?: boolean },
) => {
  if (kind === 'bars') return isForecast ? 'sq hatched' : `k-${colour} sq`;
  return isForecast ? 'dots' : `k-${colour}`;
};

function Readout(props: { model: ChartModel; at: number; plot: uPlot; width: number }) {
  const { model, at, plot, width } = props;
  const left = plot.valToPos(model.places[at] as number, 'x') + plot.over.offsetLeft;
  const isRight = left > width * 0.6;
  const side = isRight ? { right: `${width - left + 12}px` } : { left: `${left + 12}px` };
  return (
    <div class="readout" style={side}>
      <table>
        <tbody>
          <tr>
            <td>{model.head(model.places[at] as number)}</td>
            <td />
          </tr>
          {readingsAt(model, at).map(({ name, colour, isForecast = false, text }) => (
            <tr key={name}>
              <td>
                <span class="key">
                  {colour && <i class={keyClass(model, { colour, isForecast })} />}
                  {name}
                </span>
              </td>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
