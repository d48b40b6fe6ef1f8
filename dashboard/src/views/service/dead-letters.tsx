import { useState } from 'preact/hooks';
import type { DeadLetter } from '../../../../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import type { DeadLetterReason } from '../../../../gen/typescript/gravitas/telemetry/v1/footprint_pb.js';
import type { GetFootprintResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { deadLetters, Unanswered } from '../../api/client.ts';
import { textOf } from '../../api/events.ts';
import { integer } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { iso, moment } from '../../times.ts';

const everyMs = 30_000;
/** As many as one request may replay. */
const listedMax = 1000;

interface Reason {
  readonly reason: string;
  readonly table: string;
  readonly letters: readonly DeadLetter[];
  readonly newestAt: number;
}

/** What the database refused: operators look at it, and store it after all. */
export function DeadLetters({ footprint }: { footprint: Answer<GetFootprintResponse> }) {
  const list = useAnswer(
    'dead letters',
    (signal) => deadLetters.listDeadLetters({ limit: listedMax }, { signal }),
    everyMs,
  );
  const [outcome, setOutcome] = useState<{ tone: 'ok' | 'warn' | 'err'; text: string }>();
  const [isBusy, setBusy] = useState(false);
  const [looked, setLooked] = useState('');
  const letters = list.value?.deadLetters ?? [];
  const isForbidden = list.unanswered?.refusal === 'forbidden';

  const replay = async (chosen: readonly DeadLetter[]) => {
    setBusy(true);
    try {
      const ids = chosen.map(({ id }) => id);
      const { replayed, failures } = await deadLetters.replayDeadLetters({ ids });
      const again =
        failures.length > 0
          ? `, ${integer(failures.length)} refused again: ${failures[0]?.reason}`
          : '';
      setOutcome({ tone: again ? 'warn' : 'ok', text: `${integer(replayed)} stored${again}.` });
    } catch (cause) {
      setOutcome({ tone: 'err', text: `Nothing was replayed: ${new Unanswered(cause).message}` });
    } finally {
      setBusy(false);
      list.again();
      footprint.again();
    }
  };

  const columns = reasonColumns(isBusy, replay, looked, setLooked);
  const counted = (isForbidden && footprint.value?.deadLetters?.reasons) || [];
  const tools =
    counted.length > 0 ? (
      <CsvButton name="Dead letters" columns={countedColumns} rows={counted} />
    ) : (
      letters.length > 0 && (
        <>
          <button type="button" class="btn tiny" disabled={isBusy} onClick={() => replay(letters)}>
            Replay all {integer(letters.length)}
          </button>
          <CsvButton name="Dead letters" columns={letterColumns} rows={letters} />
        </>
      )
    );
  return (
    <Panel title="Dead letters" subtitle="what the database refused" size="c5 w3" tools={tools}>
      {outcome && <Notice tone={outcome.tone}>{outcome.text}</Notice>}
      {isForbidden && footprint.value ? (
        <ForReaders footprint={footprint.value} />
      ) : (
        <Answered answer={list} height={160} scope="admin">
          {() =>
            letters.length === 0 ? (
              <Blank title="None" height={160}>
                <span>What the database refuses waits here, with its reason.</span>
              </Blank>
            ) : (
              <Table
                label="Dead letters"
                columns={columns}
                rows={byReason(letters)}
                keyOf={({ reason, table }) => `${table} ${reason}`}
                open={(row) => (row.reason === looked ? <Look letters={row.letters} /> : undefined)}
              />
            )
          }
        </Answered>
      )}
    </Panel>
  );
}

function byReason(letters: readonly DeadLetter[]): Reason[] {
  const groups = Map.groupBy(letters, ({ reason, tableName }) => `${tableName} ${reason}`);
  return [...groups.values()].map((group) => ({
    reason: group[0]?.reason ?? '',
    table: group[0]?.tableName ?? '',
    letters: group,
    newestAt: Math.max(...group.map(({ createdAt }) => msOf(createdAt) ?? 0)),
  }));
}

function reasonColumns(
  isBusy: boolean,
  replay: (letters: readonly DeadLetter[]) => void,
  looked: string,
  look: (reason: string) => void,
): readonly Column<Reason>[] {
  return [
    {
      label: 'Reason',
      value: ({ reason }) => reason,
      show: ({ reason, table }) => (
        <>
          {reason} <span class="sub">{table}</span>
        </>
      ),
      doesWrap: true,
    },
    { label: 'Records', isNumeric: true, value: ({ letters }) => letters.length },
    {
      label: 'Last seen',
      isNumeric: true,
      value: ({ newestAt }) => iso(newestAt),
      show: ({ newestAt }) => moment(newestAt),
    },
    {
      label: '',
      value: () => undefined,
      show: ({ letters, reason }) => (
        <span class="row">
          <button type="button" class="btn tiny" disabled={isBusy} onClick={() => replay(letters)}>
            Replay
          </button>
          <button
            type="button"
            class="btn tiny ghost"
            aria-expanded={reason === looked}
            onClick={() => look(reason === looked ? '' : reason)}
          >
            Look
          </button>
        </span>
      ),
      isFull: true,
      isShownOnly: true,
    },
  ];
}

const letterColumns: readonly Column<DeadLetter>[] = [
  { label: 'Id', value: ({ id }) => id },
  { label: 'Time', value: ({ createdAt }) => iso(msOf(createdAt) ?? 0) },
  { label: 'Table', value: ({ tableName }) => tableName },
  { label: 'Reason', value: ({ reason }) => reason },
  { label: 'Batch', value: ({ batchId }) => batchId },
  { label: 'Row', value: ({ payload }) => JSON.stringify(payload ?? {}) },
];

/** The newest of a reason, as it was to be stored. */
const Look = ({ letters: [letter] }: { letters: readonly DeadLetter[] }) =>
  letter ? (
    <dl class="dl mono open">
      {Object.entries(letter.payload ?? {}).map(([name, value]) => [
        <dt key={`${name} name`}>{name}</dt>,
        <dd key={name}>{textOf(value)}</dd>,
      ])}
    </dl>
  ) : null;

const countedColumns: readonly Column<DeadLetterReason>[] = [
  { label: 'Reason', value: ({ reason }) => reason, doesWrap: true },
  { label: 'Records', isNumeric: true, value: ({ count }) => Number(count) },
  {
    label: 'Last seen',
    isNumeric: true,
    value: ({ newestAt }) => iso(msOf(newestAt) ?? 0),
    show: ({ newestAt }) => moment(msOf(newestAt) ?? 0),
  },
];

/** Those who only read know how many there are, and why. */
function ForReaders({ footprint }: { footprint: GetFootprintResponse }) {
  const reasons = footprint.deadLetters?.reasons ?? [];
  const note = <p class="panel-foot">Looking at them and replaying them needs the scope admin.</p>;
  if (reasons.length === 0) return <Blank title="None">{note}</Blank>;
  return (
    <>
      <Table label="Dead letters" rows={reasons} columns={countedColumns} />
      {note}
    </>
  );
}
