import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { nothing } from '../format.ts';
import { change, param } from '../state/address.ts';
import { zone } from '../state/zone.ts';
import type { Cell } from './csv.ts';
import { Scroll } from './scroll.tsx';

export interface Column<Row> {
  readonly label: string;
  /** Of all its numbers. */
  readonly unit?: string;
  /** Aligned to the right. */
  readonly isNumeric?: boolean;
  /** As it is sorted and saved. */
  value(row: Row): Cell;
  /** As it is shown; otherwise the value as it is. */
  show?(row: Row): ComponentChildren;
  /** Of the last row. */
  total?: ComponentChildren;
  /** Not where it is narrow. */
  readonly isWideOnly?: boolean;
  /** Only where it is very wide. */
  readonly isWidestOnly?: boolean;
  readonly doesWrap?: boolean;
  /** Takes a line of its own on a card. */
  readonly isFull?: boolean;
  /** Nothing to save, as with drawings and buttons. */
  readonly isShownOnly?: boolean;
}

/**
 * Cells of the same rows and columns are not rendered again; what in them depends on the address is a
 * component of its own.
 */
export interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf?(row: Row): string;
  /** Name of the address's part that says by what it is sorted. */
  readonly sortedBy?: string;
  readonly sortedFirst?: string;
  /** Below a row, across all columns. */
  open?(row: Row): ComponentChildren;
  readonly isPlain?: boolean;
}

const classes = (...names: (string | false | undefined)[]): string | undefined =>
  names.filter(Boolean).join(' ') || undefined;

const classOf = <Row,>(column: Column<Row>): string | undefined =>
  classes(
    column.isNumeric && 'n',
    column.isWideOnly && 'x',
    column.isFull && 'full',
    column.isWidestOnly && 'wide-col',
    column.doesWrap && 'wrap',
  );

export function Table<Row>(props: TableProps<Row>) {
  const { columns, label, keyOf, open } = props;
  const [sorted, order, sortBy] = useOrder(props);
  const body = useMemo(
    () => <Body columns={columns} rows={sorted} keyOf={keyOf} open={open} />,
    [columns, sorted, zone.value],
  );
  const hasTotal = columns.some(({ total }) => total !== undefined);
  return (
    <Scroll label={label}>
      <table class={props.isPlain ? undefined : 'stack'} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head
                key={column.label + column.unit}
                column={column}
                order={order?.label === column.label ? order : undefined}
                {...(props.sortedBy && !column.isShownOnly && { sortBy: () => sortBy(column) })}
              />
            ))}
          </tr>
        </thead>
        {body}
        {hasTotal && (
          <tfoot>
            <tr>
              {columns.map((column, at) => (
                <Foot key={column.label + column.unit} column={column} at={at} />
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </Scroll>
  );
}

function Body<Row>(props: {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: TableProps<Row>['keyOf'];
  open: TableProps<Row>['open'];
}) {
  const { columns, rows, keyOf, open } = props;
  return (
    <tbody>
      {rows.map((row, index) => {
        const below = open?.(row);
        const key = keyOf?.(row) ?? String(index);
        return [
          <tr key={key}>
            {columns.map((column, at) => (
              <TableCell key={column.label + column.unit} column={column} row={row} at={at} />
            ))}
          </tr>,
          below && (
            <tr key={`${key} open`}>
              <td colSpan={columns.length} class="full open-cell">
                {below}
              </td>
            </tr>
          ),
        ];
      })}
    </tbody>
  );
}

interface Order {
  readonly label: string;
  readonly isDescending: boolean;
}

/** The address has `Cost` for the greatest first, `-Cost` for the least first. */
function useOrder<Row>(props: TableProps<Row>) {
  const { rows, columns, sortedBy, sortedFirst } = props;
  const text = (sortedBy && param(sortedBy)) || sortedFirst;
  const order: Order | undefined =
    sortedBy && text
      ? { label: text.replace(/^-/, ''), isDescending: !text.startsWith('-') }
      : undefined;
  const sorted = useMemo(() => {
    const column = columns.find(({ label }) => label === order?.label);
    if (!column) return rows;
    const compare = (a: Row, b: Row) => compareCells(column.value(a), column.value(b));
    return rows.toSorted((a, b) => (order?.isDescending ? -compare(a, b) : compare(a, b)));
  }, [rows, columns, text]);
  if (!sortedBy || !order) return [rows, undefined, () => {}] as const;
  const sortBy = ({ label }: Column<Row>) => {
    const isReversed = label === order.label && order.isDescending;
    change({ [sortedBy]: isReversed ? `-${label}` : label });
  };
  return [sorted, order, sortBy] as const;
}

/** What is not known is the least. */
function compareCells(a: Cell | undefined, b: Cell | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return b.localeCompare(a, 'en');
  return Number(a ?? -Infinity) - Number(b ?? -Infinity);
}

function Head<Row>(props: { column: Column<Row>; order: Order | undefined; sortBy?: () => void }) {
  const { column, order, sortBy } = props;
  const text = (
    <>
      {column.label}
      {order && (order.isDescending ? ' ↓' : ' ↑')}
      {column.unit && <span class="u"> {column.unit}</span>}
    </>
  );
  return (
    <th
      scope="col"
      class={classOf({ ...column, isFull: false, doesWrap: false })}
      {...(order && { 'aria-sort': order.isDescending ? 'descending' : 'ascending' })}
    >
      {sortBy ? (
        <button type="button" class="sort" onClick={sortBy}>
          {text}
        </button>
      ) : (
        text
      )}
    </th>
  );
}

function TableCell<Row>({ column, row, at }: { column: Column<Row>; row: Row; at: number }) {
  const value = column.show ? column.show(row) : (column.value(row) ?? nothing);
  if (at === 0) {
    return (
      <th scope="row" class={classOf(column)}>
        {value}
      </th>
    );
  }
  const head = [column.label, column.unit].filter(Boolean).join(', ');
  return (
    <td class={classOf(column)} {...(column.label && { 'data-l': head })}>
      {column.isNumeric ? <span>{value}</span> : value}
    </td>
  );
}

function Foot<Row>({ column, at }: { column: Column<Row>; at: number }) {
  const head = [column.label, column.unit].filter(Boolean).join(', ');
  if (at === 0) return <th scope="row">{column.total}</th>;
  return (
    <td class={classOf(column)} {...(column.total !== undefined && { 'data-l': head })}>
      {column.total}
    </td>
  );
}
