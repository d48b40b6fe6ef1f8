import type {
  Collector,
  GetServiceResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { Answer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { ago, amount, bytes, integer, milliseconds, nothing, percent } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Panel } from '../../parts/panel.tsx';
import { Status } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { iso } from '../../times.ts';

const columns: readonly Column<Collector>[] = [
  {
    label: 'Collector',
    value: ({ host }) => host,
    show: ({ host, answering }) => (
      <>
        {host} {answering && <span class="u">answers</span>}
      </>
    ),
  },
  { label: 'Version', value: ({ version }) => version, isWideOnly: true },
  {
    label: 'State',
    value: ({ away, ready, reasons }) =>
      away ? 'Away' : !ready ? 'Not ready' : reasons.length > 0 ? 'Degraded' : 'Healthy',
    show: ({ away, ready, reasons }) => {
      if (away) return <Status tone="err">Away</Status>;
      if (!ready) return <Status tone="err">Not ready</Status>;
      if (reasons.length === 0) return <Status tone="ok">Healthy</Status>;
      const words = reasons.map(({ part, reason }) => `${part}: ${reason}`).join('; ');
      return (
        <span title={words}>
          <Status tone="warn">{words}</Status>
        </span>
      );
    },
  },
  {
    label: 'Stored',
    unit: '/s',
    isNumeric: true,
    value: ({ rates }) => rates?.stored,
    show: ({ rates }) => amount(rates?.stored ?? 0),
  },
  {
    label: 'Ack p99',
    isNumeric: true,
    value: ({ ackLatencyMs }) => ackLatencyMs?.p99,
    show: ({ ackLatencyMs }) =>
      ackLatencyMs?.p99 === undefined ? nothing : milliseconds(ackLatencyMs.p99),
  },
  ...(
    [
      ['Queue', ({ queueRecords }: Collector) => Number(queueRecords)],
      ['Spool', ({ spoolRecords }: Collector) => Number(spoolRecords)],
      ['Streams', ({ streams }: Collector) => streams],
      ['Watching', ({ tails }: Collector) => tails],
      ['Connections', ({ connections }: Collector) => connections],
    ] as const
  ).map(([label, value]) => ({
    label,
    isNumeric: true,
    value,
    show: (row: Collector) => integer(value(row)),
    isWideOnly: label !== 'Spool',
  })),
  {
    label: 'Memory',
    unit: 'MB',
    isNumeric: true,
    value: ({ memoryBytes }) => Number(memoryBytes) / 1e6,
    show: ({ memoryBytes }) => integer(Number(memoryBytes) / 1e6),
  },
  {
    label: 'CPU',
    isNumeric: true,
    value: ({ cpu }) => cpu,
    show: ({ cpu }) => percent(cpu),
  },
  {
    label: 'Disk free',
    isNumeric: true,
    value: ({ diskFreeBytes }) => Number(diskFreeBytes),
    show: ({ diskBytes, diskFreeBytes }) =>
      diskBytes > 0n ? bytes(Number(diskFreeBytes)) : nothing,
    isWideOnly: true,
  },
  {
    label: 'Started',
    isNumeric: true,
    value: ({ startedAt }) => iso(msOf(startedAt) ?? 0),
    show: ({ startedAt }) => ago(Math.max(0, Date.now() - (msOf(startedAt) ?? Date.now()))),
  },
];

export function Collectors({ service }: { service: Answer<GetServiceResponse> }) {
  const rows = service.value?.collectors ?? [];
  return (
    <Panel
      title="Collectors"
      subtitle="on this database within the last hour"
      tools={<CsvButton name="Collectors" columns={columns} rows={rows} />}
    >
      <Answered answer={service} height={80}>
        {() => <Table label="Collectors" columns={columns} rows={rows} keyOf={({ id }) => id} />}
      </Answered>
    </Panel>
  );
}
