import type {
  Collector,
  GetServiceResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type {
  Key,
  ListKeysResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/key_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { keys } from '../../api/client.ts';
import { ago, amount, integer, nothing, percent } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { Status, type Tone } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { day, iso } from '../../times.ts';

const everyMs = 30_000;
const quietMs = 60_000;
const noKey = 'no key';
/** So long before it ends a key wants a successor. */
const endingMs = 7 * 86_400_000;

/** What is known of everybody with keys of one name. */
interface Sender {
  readonly name: string;
  scopes: string;
  streams: number;
  records: number;
  queries: number;
  perSecond: number;
  quotaShare: number | undefined;
  lastUsedAt: number | undefined;
  /** Of the key that ends last; only admins know. */
  state: string;
  endsAt: number;
}

export function Keys({ service }: { service: Answer<GetServiceResponse> }) {
  const list = useAnswer('keys', (signal) => keys.listKeys({}, { signal }), everyMs);
  const isForbidden = list.unanswered?.refusal === 'forbidden';
  const senders = sendersOf(service.value?.collectors ?? [], list.value);
  const subtitle = isForbidden
    ? 'who sends and reads; keys that were not used need the scope admin'
    : 'who sends and reads, and when each key was used last';
  return (
    <Panel
      title="Streams and keys"
      subtitle={subtitle}
      size="c7 w5"
      tools={<CsvButton name="Streams and keys" columns={columns} rows={senders} />}
    >
      <Answered answer={service} height={160}>
        {() =>
          senders.length === 0 ? (
            <Blank title="Nobody yet">
              <span>Whoever sends or reads appears here.</span>
            </Blank>
          ) : (
            <Table label="Streams and keys" columns={columns} rows={senders} />
          )
        }
      </Answered>
    </Panel>
  );
}

const blank = (name: string): Sender => ({
  name,
  scopes: '',
  streams: 0,
  records: 0,
  queries: 0,
  perSecond: 0,
  quotaShare: undefined,
  lastUsedAt: undefined,
  state: '',
  endsAt: Infinity,
});

const later = (a: number | undefined, b: number | undefined) =>
  a === undefined || (b !== undefined && b > a) ? b : a;

function sendersOf(collectors: readonly Collector[], list: ListKeysResponse | undefined): Sender[] {
  const senders = new Map<string, Sender>();
  const of = (name: string) => {
    const known = senders.get(name) ?? blank(name || noKey);
    senders.set(name, known);
    return known;
  };
  for (const key of list?.keys ?? []) noteKey(of(key.name), key);
  for (const activity of collectors.flatMap((collector) => collector.keys)) {
    const sender = of(activity.name === 'anonymous' ? '' : activity.name);
    sender.scopes ||= activity.scopes.join(', ');
    sender.streams += activity.streams;
    sender.records += Number(activity.records);
    sender.queries += Number(activity.queries);
    sender.perSecond += activity.recordsPerSecond;
    // All collectors together have one quota.
    if (activity.quotaShare !== undefined) {
      sender.quotaShare = (sender.quotaShare ?? 0) + activity.quotaShare;
    }
    sender.lastUsedAt = later(sender.lastUsedAt, msOf(activity.lastUsedAt));
  }
  // Whoever has no key is no sender before it has sent or read.
  const isSeen = ({ name, records, queries, streams }: Sender) =>
    name !== noKey || records + queries + streams > 0;
  return [...senders.values()].filter(isSeen).toSorted((a, b) => b.records - a.records);
}

function noteKey(sender: Sender, key: Key): void {
  sender.scopes = key.scopes.join(', ');
  sender.lastUsedAt = later(sender.lastUsedAt, msOf(key.lastUsedAt));
  const endsAt = msOf(key.expiresAt) ?? Infinity;
  const isLonger = key.state === 'active' && (sender.state !== 'active' || endsAt > sender.endsAt);
  if (sender.state !== '' && !isLonger) return;
  sender.state = key.state;
  sender.endsAt = endsAt;
}

function stateOf(sender: Sender): readonly [Tone, string] {
  const { state, quotaShare = 0, endsAt, lastUsedAt, streams, records, queries } = sender;
  if (state === 'revoked' || state === 'expired') {
    return ['off', state === 'revoked' ? 'Revoked' : 'Expired'];
  }
  if (quotaShare > 1) return ['err', 'Over quota'];
  if (quotaShare > 0.8) return ['warn', 'Near quota'];
  if (endsAt < Date.now() + endingMs) return ['warn', `Ends ${day(endsAt)}`];
  if (streams > 0) return ['ok', 'Connected'];
  if (lastUsedAt === undefined) {
    return records + queries > 0 ? ['ok', 'Seen'] : ['off', 'Never used'];
  }
  return Date.now() - lastUsedAt < quietMs ? ['ok', 'Active'] : ['off', 'Quiet'];
}

const columns: readonly Column<Sender>[] = [
  { label: 'Key', value: ({ name }) => name },
  { label: 'May', value: ({ scopes }) => scopes, show: ({ scopes }) => scopes || nothing },
  { label: 'Streams', isNumeric: true, value: ({ streams }) => streams },
  {
    label: 'Rows',
    unit: '/s',
    isNumeric: true,
    value: ({ perSecond }) => perSecond,
    show: ({ perSecond }) => amount(perSecond),
  },
  {
    label: 'Rows',
    isNumeric: true,
    value: ({ records }) => records,
    show: ({ records }) => integer(records),
    isWideOnly: true,
    isWidestOnly: true,
  },
  {
    label: 'Queries',
    isNumeric: true,
    value: ({ queries }) => queries,
    show: ({ queries }) => integer(queries),
    isWideOnly: true,
  },
  {
    label: 'Of quota',
    isNumeric: true,
    value: ({ quotaShare }) => quotaShare,
    show: ({ quotaShare }) =>
      quotaShare === undefined ? <span class="u">none set</span> : percent(quotaShare),
  },
  {
    label: 'State',
    value: (sender) => stateOf(sender)[1],
    show: (sender) => {
      const [tone, word] = stateOf(sender);
      return <Status tone={tone}>{word}</Status>;
    },
  },
  {
    label: 'Last used',
    isNumeric: true,
    value: ({ lastUsedAt }) => lastUsedAt && iso(lastUsedAt),
    show: ({ lastUsedAt }) =>
      lastUsedAt === undefined ? nothing : ago(Math.max(0, Date.now() - lastUsedAt)),
  },
];
