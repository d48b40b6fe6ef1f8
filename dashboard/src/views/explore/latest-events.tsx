import { useMemo, useState } from 'preact/hooks';
import type { ListEventsResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Event } from '../../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { msOf } from '../../api/ask.ts';
import { metadataOf, showBare, showValue, timeOf, unitOf } from '../../api/events.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Metadata, Received, Time } from '../../parts/event-details.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { EventStatus } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { change, hrefOf, hrefWith, param } from '../../state/address.ts';
import type { EventFilters } from '../../state/filters.ts';
import { rangeWords } from '../../state/range.ts';
import { clockExact, date, day, iso } from '../../times.ts';
import { useEvent, useLatest } from './questions.ts';

interface Row {
  readonly event: Event;
  readonly received: number | undefined;
}

export function LatestEvents({ filters }: { filters: EventFilters }) {
  const [pages, setPages] = useState(1);
  const answer = useLatest(filters, pages);
  const linked = useEvent(param('id'));
  const id = param('id');
  const rows = useMemo(
    () => rowsOf(answer.value, linked.value, id),
    [answer.value, linked.value, id],
  );
  const columns = useMemo(() => columnsOf(filters.type), [filters.type]);
  return (
    <Panel
      title="Latest events"
      subtitle="newest first; a row opens in place"
      tools={
        <>
          <a class="btn ghost tiny" href={hrefOf('tail', { ...filters })}>
            Watch live
          </a>
          <CsvButton
            name={`${filters.type} events`}
            columns={[...columns, ...savedOnly]}
            rows={rows}
          />
        </>
      }
    >
      <Answered answer={answer} height={320}>
        {({ nextPageToken }) =>
          rows.length === 0 ? (
            <Blank title={`No such ${filters.type} ${rangeWords()}`} height={320} />
          ) : (
            <>
              <Table
                label="Latest events"
                columns={columns}
                rows={rows}
                keyOf={({ event }) => event.id}
                open={(row) => (row.event.id === id ? <Opened row={row} /> : undefined)}
              />
              {nextPageToken !== '' && pages < 40 && (
                <p class="panel-foot">
                  <button type="button" class="btn tiny" onClick={() => setPages(2 * pages)}>
                    Older events
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

/** An older one than the latest is shown above them: its link has to lead somewhere. */
function rowsOf(
  latest: ListEventsResponse | undefined,
  linked: ListEventsResponse | undefined,
  id: string,
): readonly Row[] {
  const rows = (of: ListEventsResponse | undefined) =>
    of?.events.map((event, at) => ({ event, received: msOf(of.observedAt[at]) })) ?? [];
  const known = rows(latest);
  const isIt = ({ event }: Row) => event.id === id;
  return known.some(isIt) ? known : [...rows(linked).filter(isIt), ...known];
}

const savedOnly: readonly Column<Row>[] = [
  { label: 'Id', value: ({ event }) => event.id },
  {
    label: 'Received',
    value: ({ received }) => (received === undefined ? undefined : iso(received)),
  },
];

const columnsOf = (type: string): readonly Column<Row>[] => [
  {
    label: 'Time',
    value: ({ event }) => iso(timeOf(event)),
    show: ({ event }) => <TimeLink event={event} />,
  },
  {
    label: 'Status',
    value: ({ event }) => event.status,
    show: ({ event }) => <EventStatus status={event.status} />,
  },
  { label: 'Component', value: ({ event }) => event.component, isFull: true },
  {
    label: 'Value',
    unit: unitOf(type).head,
    isNumeric: true,
    value: ({ event }) => event.value,
    show: ({ event }) => showBare(event.value),
  },
  {
    label: 'Metadata',
    value: ({ event }) => JSON.stringify(metadataOf(event)),
    show: ({ event }) => <span class="mono soft clipped">{JSON.stringify(metadataOf(event))}</span>,
    isFull: true,
    isWideOnly: true,
  },
];

function TimeLink({ event }: { event: Event }) {
  const isOpen = event.id === param('id');
  const at = timeOf(event);
  const isToday = date(at) === date(Date.now());
  return (
    <button
      type="button"
      class="opener"
      aria-expanded={isOpen}
      onClick={() => change({ id: isOpen ? undefined : event.id })}
    >
      <Icon name={isOpen ? 'down' : 'right'} />
      <Time ms={at} text={isToday ? clockExact(at) : `${day(at)}, ${clockExact(at)}`} />
    </button>
  );
}

function Opened({ row: { event, received } }: { row: Row }) {
  return (
    <dl class="dl open">
      <dt>Event</dt>
      <dd>
        <code>{event.id}</code> <a href={hrefWith({ id: event.id })}>Link to it</a>
      </dd>
      <dt>Value</dt>
      <dd>{showValue(event.eventType, event.value)}</dd>
      <dt>Sent</dt>
      <dd>
        <Time ms={timeOf(event)} />
      </dd>
      <dt>Received</dt>
      <dd>
        <Received sent={timeOf(event)} received={received} />
      </dd>
      <dt>Metadata</dt>
      <dd>
        <Metadata metadata={metadataOf(event)} />
      </dd>
    </dl>
  );
}
