import type { GetServiceResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { Answer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { integer } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Panel } from '../../parts/panel.tsx';
import { Status } from '../../parts/status.tsx';
import type { Column } from '../../parts/table.tsx';
import { moment } from '../../times.ts';

const came = [
  ['Received', 'received'],
  ['Recovered from spool', 'recovered'],
] as const;
const went = [
  ['Stored', 'stored'],
  ['Duplicate', 'duplicate'],
  ['Rejected', 'rejected'],
  ['Refused', 'refused'],
  ['Dead letter', 'deadLettered'],
  ['Erased', 'erased'],
  ['Pending', 'pending'],
] as const;
type Field = (typeof came)[number][1] | (typeof went)[number][1];

const columns: readonly Column<readonly [string, number]>[] = [
  { label: 'What became of them', value: ([label]) => label },
  { label: 'Records', value: ([, count]) => count },
];

/** Nothing vanishes uncounted: what came is the sum of where it went. */
export function Ledger({ service }: { service: Answer<GetServiceResponse> }) {
  const collectors = service.value?.collectors ?? [];
  const of = (field: Field) =>
    collectors.reduce((sum, { ledger }) => sum + Number(ledger?.[field] ?? 0n), 0);
  const total = (fields: readonly (readonly [string, Field])[]) =>
    fields.reduce((sum, [, field]) => sum + of(field), 0);
  const isBalanced = total(came) === total(went);
  const since = Math.min(...collectors.map(({ startedAt }) => msOf(startedAt) ?? Date.now()));
  const part = (title: string, fields: readonly (readonly [string, Field])[], kind: string) => (
    <div class={kind}>
      <h3>{title}</h3>
      <dl>
        {fields.map(([label, field]) => [
          <dt key={label}>{label}</dt>,
          <dd key={field}>{integer(of(field))}</dd>,
        ])}
        <dt class="sum">Total</dt>
        <dd class="sum">{integer(total(fields))}</dd>
      </dl>
    </div>
  );
  return (
    <Panel
      title="Every record accounted for"
      subtitle={collectors.length > 0 ? `since the start, ${moment(since)}` : 'since the start'}
      size="c6 w3"
      tools={
        collectors.length > 0 && (
          <>
            <Status tone={isBalanced ? 'ok' : 'off'}>
              {isBalanced ? 'Balances' : 'Being counted'}
            </Status>
            <CsvButton
              name="Every record accounted for"
              columns={columns}
              rows={[...came, ...went].map(([label, field]) => [label, of(field)] as const)}
            />
          </>
        )
      }
    >
      <Answered answer={service} height={220}>
        {() => (
          <div class="ledger">
            {part('In', came, 'in')}
            {part('Went to', went, 'out')}
          </div>
        )}
      </Answered>
    </Panel>
  );
}
