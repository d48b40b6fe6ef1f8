import type { GetServiceResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type {
  GetFootprintResponse,
  PriceEdition,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { useHealth } from '../../api/health.ts';
import { ago, integer } from '../../format.ts';
import { Answered, Panel } from '../../parts/panel.tsx';
import { Status, type Tone } from '../../parts/status.tsx';
import { clock } from '../../times.ts';

interface Check {
  readonly name: string;
  readonly tone: Tone;
  readonly words: string;
}

/** What writes did last, part by part; the parts that are well have nothing to say. */
export function HealthPanel(props: {
  service: Answer<GetServiceResponse>;
  footprint: GetFootprintResponse | undefined;
}) {
  const health = useHealth();
  return (
    <Panel title="Health" subtitle="what writes did last" size="c4 w3">
      <Answered answer={health} height={200}>
        {({ status, reasons, since }) => {
          const unwell = reasons.map((text): Check => {
            const [part = '', ...words] = text.split(': ');
            const began = Date.parse(since[part] ?? '');
            const ending = Number.isNaN(began) ? '' : `, since ${clock(began)}`;
            const tone = status === 'not ready' ? 'err' : 'warn';
            return { name: part, tone, words: `${words.join(': ')}${ending}` };
          });
          const well: Check = { name: 'All parts', tone: 'ok', words: 'nothing is in their way' };
          const checks = [...(unwell.length ? unwell : [well]), ...storeChecks(props)];
          return (
            <ul class="check">
              {checks.map(({ name, tone, words }) => (
                <li key={name}>
                  <Status tone={tone}>{name}</Status>
                  <span class="soft">{words}</span>
                </li>
              ))}
            </ul>
          );
        }}
      </Answered>
    </Panel>
  );
}

function storeChecks(props: {
  service: Answer<GetServiceResponse>;
  footprint: GetFootprintResponse | undefined;
}): Check[] {
  const { collectors = [] } = props.service.value ?? {};
  const { footprint } = props;
  const checks: Check[] = [];
  if (collectors.length > 0) {
    const gone = collectors.filter(({ away }) => away).length;
    const count = `${collectors.length} ${collectors.length === 1 ? 'is' : 'are'} there`;
    const words = gone > 0 ? `${gone} of ${collectors.length} say nothing` : count;
    checks.push({ name: 'Collectors', tone: gone > 0 ? 'warn' : 'ok', words });
  }
  if (!footprint) return checks;
  const { deadLetters, rollups, priceList, ownPrices } = footprint;
  const waiting = Number(deadLetters?.total ?? 0n);
  const dead = waiting > 0 ? `${integer(waiting)} wait for you` : 'none';
  checks.push({ name: 'Dead letters', tone: waiting > 0 ? 'warn' : 'ok', words: dead });
  const settled = msOf(rollups?.settledAt);
  if (rollups) {
    const until = settled === undefined ? 'nothing settled yet' : `settled to ${clock(settled)}`;
    const words = `${until}; ${integer(Number(rollups.waiting))} records wait`;
    checks.push({ name: 'Rollups', tone: 'ok', words });
  }
  if (priceList) checks.push({ name: 'Prices', tone: 'ok', words: editions(priceList, ownPrices) });
  return checks;
}

function editions(list: PriceEdition, own: PriceEdition | undefined): string {
  const age = Date.now() - Date.parse(list.date);
  const known = `list ${list.version} of ${list.date}${Number.isNaN(age) ? '' : `, ${ago(age)}`}`;
  return own ? `${known}; your own ${own.version}` : known;
}
