import type {
  PartitionSize,
  RetentionFootprint,
} from '../../../../gen/typescript/gravitas/telemetry/v1/footprint_pb.js';
import type { GetFootprintResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { ShareBar } from '../../charts/small.tsx';
import { bytes, fixed, integer, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { iso, utcDay } from '../../times.ts';

/** Partitions that are named one by one; the older ones are added up. */
const shownMax = 6;

interface Row {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly dropAt: number | undefined;
  readonly isSum?: boolean;
}

const megabytes = fixed(1);

/** What an empty one takes with its indexes is less. */
const emptyBytesMax = 100_000n;
const isFilled = ({ rows, totalBytes }: PartitionSize) => rows > 0n || totalBytes > emptyBytesMax;

export function Partitions({ footprint }: { footprint: Answer<GetFootprintResponse> }) {
  const all = (footprint.value?.partitions ?? []).filter(isFilled).map(rowOf);
  const rows = shortened(all);
  const columns = columnsOf(all);
  const { rollups, databaseBytes } = footprint.value ?? {};
  const beside = rollups && `rollups add ${bytes(Number(rollups.totalBytes))}`;
  const whole = databaseBytes && `the database has ${bytes(Number(databaseBytes))}`;
  return (
    <Panel
      title="Partitions"
      subtitle={['rows by day of UTC', beside, whole].filter(Boolean).join('; ')}
      size="c6 w4"
      tools={<CsvButton name="Partitions" columns={columns} rows={all} />}
    >
      <Answered answer={footprint} height={220}>
        {({ retention }) => (
          <>
            {rows.length === 0 ? (
              <Blank title="No rows yet" height={220} />
            ) : (
              <Table label="Partitions" columns={columns} rows={rows} />
            )}
            {retention && <Gone retention={retention} />}
          </>
        )}
      </Answered>
    </Panel>
  );
}

/** What retention has taken away so far. */
function Gone({ retention }: { retention: RetentionFootprint }) {
  const { droppedPartitions, droppedBytes } = retention;
  const floors = [
    ['events', retention.eventFloor],
    ['calls', retention.usageFloor],
    ['rollups by quarter hour', retention.quarterFloor],
    ['by hour', retention.hourFloor],
    ['by day', retention.dayFloor],
  ] as const;
  const gone = floors.flatMap(([name, floor]) => {
    const at = msOf(floor);
    return at === undefined ? [] : [`${name} before ${utcDay(at)}`];
  });
  if (gone.length === 0) return null;
  const dropped = `${integer(Number(droppedPartitions))} partitions, ${bytes(Number(droppedBytes))}`;
  return (
    <p class="panel-foot">
      Retention has dropped {dropped}: gone are {gone.join(', ')}.
    </p>
  );
}

function rowOf({ tableName, startTime, rows, totalBytes, dropAt }: PartitionSize): Row {
  const start = msOf(startTime);
  const kind = tableName === 'usage_stats' ? 'usage' : 'events';
  const name = start === undefined ? 'default' : utcDay(start);
  return {
    name: `${name} ${kind}`,
    rows: Number(rows),
    bytes: Number(totalBytes),
    dropAt: msOf(dropAt),
  };
}

function shortened(all: readonly Row[]): Row[] {
  const older = all.slice(shownMax);
  if (older.length === 0) return [...all];
  const drops = older.flatMap(({ dropAt }) => dropAt ?? []);
  const sum: Row = {
    name: `${older.length} more`,
    rows: older.reduce((total, { rows }) => total + rows, 0),
    bytes: older.reduce((total, { bytes }) => total + bytes, 0),
    dropAt: drops.length > 0 ? Math.min(...drops) : undefined,
    isSum: true,
  };
  return [...all.slice(0, shownMax), sum];
}

function columnsOf(all: readonly Row[]): readonly Column<Row>[] {
  const most = Math.max(1, ...all.map(({ bytes }) => bytes));
  const sum = (of: (row: Row) => number) => all.reduce((total, row) => total + of(row), 0);
  return [
    { label: 'Day', value: ({ name }) => name, total: 'All' },
    {
      label: 'Rows',
      isNumeric: true,
      value: ({ rows }) => rows,
      // A new one may not have been counted yet.
      show: ({ rows }) => (rows === 0 ? nothing : integer(rows)),
      total: sum(({ rows }) => rows) === 0 ? nothing : integer(sum(({ rows }) => rows)),
    },
    {
      label: 'Size',
      unit: 'MB',
      isNumeric: true,
      value: ({ bytes }) => bytes / 1e6,
      show: ({ bytes }) => megabytes(bytes / 1e6),
      total: megabytes(sum(({ bytes }) => bytes) / 1e6),
    },
    {
      label: '',
      value: () => undefined,
      show: ({ bytes, isSum }) => !isSum && <ShareBar share={bytes / most} />,
      isShownOnly: true,
      isWideOnly: true,
    },
    {
      label: 'Dropped on',
      isNumeric: true,
      value: ({ dropAt }) => (dropAt === undefined ? undefined : iso(dropAt)),
      show: ({ dropAt, isSum }) =>
        dropAt === undefined ? nothing : `${isSum ? 'from ' : ''}${utcDay(dropAt)}`,
    },
  ];
}
