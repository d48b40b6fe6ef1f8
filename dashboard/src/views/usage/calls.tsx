import { useState } from 'preact/hooks';
import type { UsageRecord } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { msOf } from '../../api/ask.ts';
import { dollars, integer, milliseconds, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { EventStatus, Status } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { hrefWith, param } from '../../state/address.ts';
import { periodAt } from '../../state/period.ts';
import { iso, moment } from '../../times.ts';
import { useCalls } from './questions.ts';

const tokens = (label: string, of: (usage: NonNullable<UsageRecord['usage']>) => bigint) => ({
  label,
  isNumeric: true,
  value: ({ usage }: UsageRecord) => (usage ? Number(of(usage)) : undefined),
  show: ({ usage }: UsageRecord) => (usage ? integer(Number(of(usage))) : nothing),
});
const text = (label: string, of: (usage: NonNullable<UsageRecord['usage']>) => string) => ({
  label,
  value: ({ usage }: UsageRecord) => usage && of(usage),
  show: ({ usage }: UsageRecord) => (usage && of(usage)) || nothing,
});

const timeOf = ({ usage }: UsageRecord) => msOf(usage?.timestamp) ?? 0;

const ExplainIt = ({ id, at }: { id: string | undefined; at: number }) => (
  <a
    href={hrefWith({ call: id, at: String(at) })}
    data-replace
    {...(id === param('call') && { 'aria-current': 'true' })}
  >
    <time title={iso(at)}>{moment(at)}</time>
  </a>
);

const columns: readonly Column<UsageRecord>[] = [
  {
    label: 'Time',
    value: (record) => iso(timeOf(record)),
    show: (record) => <ExplainIt id={record.usage?.id} at={timeOf(record)} />,
  },
  { ...text('Model', ({ model }) => model), isFull: true },
  text('Layer', ({ layer }) => layer),
  { ...text('Agent', ({ agent }) => agent), isWideOnly: true },
  tokens('Input', ({ inputTokens }) => inputTokens),
  { ...tokens('Cached', ({ cachedTokens }) => cachedTokens), isWideOnly: true },
  tokens('Output', ({ outputTokens }) => outputTokens),
  {
    label: 'Cost',
    isNumeric: true,
    value: ({ costUsd }) => costUsd,
    show: ({ costUsd }) =>
      costUsd === undefined ? <Status tone="warn">unpriced</Status> : dollars(Number(costUsd)),
  },
  {
    label: 'Took',
    isNumeric: true,
    value: ({ usage }) => usage?.durationMs,
    show: ({ usage }) =>
      usage?.durationMs === undefined ? nothing : milliseconds(usage.durationMs),
  },
  {
    label: 'Status',
    value: ({ usage }) => usage?.status,
    show: ({ usage }) => <EventStatus status={usage?.status || usage?.errorType || ''} />,
    isWideOnly: true,
  },
];

const noCalls: readonly UsageRecord[] = [];

/** Calls one by one; one that is chosen explains itself above. */
export function Calls() {
  const isUnpriced = param('unpriced') !== '';
  const [pages, setPages] = useState(1);
  const answer = useCalls(isUnpriced, pages);
  const rows = answer.value?.records ?? noCalls;
  const { words, inWords } = periodAt(Date.now());
  return (
    <Panel
      title={isUnpriced ? 'Unpriced calls' : 'Latest calls'}
      subtitle={`${words}, newest first; choosing one explains its price`}
      tools={
        <>
          {isUnpriced && (
            <a class="btn ghost tiny" href={hrefWith({ unpriced: undefined })}>
              All calls
            </a>
          )}
          <CsvButton name="Calls" columns={columns} rows={rows} />
        </>
      }
    >
      <Answered answer={answer} height={240}>
        {({ nextPageToken }) =>
          rows.length === 0 ? (
            <Blank title={`No ${isUnpriced ? 'unpriced ' : ''}calls ${inWords}`} height={240} />
          ) : (
            <>
              <Table
                label="Calls"
                columns={columns}
                rows={rows}
                keyOf={({ usage }) => usage?.id ?? ''}
              />
              {nextPageToken !== '' && pages < 100 && (
                <p class="panel-foot">
                  <button type="button" class="btn tiny" onClick={() => setPages(2 * pages)}>
                    Older calls
                  </button>
                </p>
              )}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}
