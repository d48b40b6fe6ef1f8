import type { GetServiceResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import { useHealth } from '../../api/health.ts';
import { useService } from '../../api/service.ts';
import { amount, integer, narrow } from '../../format.ts';
import { Notice } from '../../parts/notice.tsx';
import { PageHead, RangeChoice, Updated, ZoneChoice } from '../../parts/page-head.tsx';
import { Tiles } from '../../parts/tile.tsx';
import { hrefOf } from '../../state/address.ts';
import { Errors, EventsByType, TokenRate, useFlow, useTokens } from './flow.tsx';
import { LatencyByModel, ModelLoads } from './models.tsx';
import { EventTiles, ServiceTiles, TokenTile } from './tiles.tsx';
import { type Card, tightShare, useCards, VramNow, VramOverTime } from './vram.tsx';

export function Now() {
  const flow = useFlow();
  const tokens = useTokens();
  const cards = useCards();
  const service = useService();
  return (
    <>
      <PageHead title="Now">
        <Updated at={flow.at} />
        <RangeChoice />
        <ZoneChoice />
      </PageHead>
      <Attention cards={cards.value} service={service.value} />
      <Tiles kind="n6" label="Key figures">
        <EventTiles flow={flow} />
        <TokenTile label="Prompt" tokens={tokens} field="inputTokens" />
        <TokenTile label="Generation" tokens={tokens} field="outputTokens" />
        <ServiceTiles service={service} />
      </Tiles>
      <div class="grid">
        <VramNow cards={cards} />
        <VramOverTime cards={cards} />
        <TokenRate
          title="Prompt tokens"
          subtitle="tokens/s read"
          tokens={tokens}
          field="inputTokens"
        />
        <TokenRate
          title="Generated tokens"
          subtitle="tokens/s written"
          tokens={tokens}
          field="outputTokens"
        />
        <EventsByType flow={flow} />
        <Errors flow={flow} />
        <LatencyByModel />
        <ModelLoads />
      </div>
    </>
  );
}

/** As many cards as are named. */
const told = 3;

/** What needs somebody, the gravest first; always one line high, so that nothing moves. */
function Attention(props: {
  cards: readonly Card[] | undefined;
  service: GetServiceResponse | undefined;
}) {
  const { value: health } = useHealth();
  const tight = (props.cards ?? []).filter(({ share }) => share > tightShare);
  const toService = <a href={hrefOf('service')}>Service</a>;
  return (
    <div class="notices">
      {health && health.status !== 'ready' && (
        <Notice tone={health.status === 'degraded' ? 'warn' : 'err'} action={toService}>
          <b>The collector is {health.status}.</b> {health.reasons.join('; ')}
        </Notice>
      )}
      {tight.length > 0 && (
        <Notice
          tone="warn"
          action={<a href={hrefOf('explore', { type: 'VRAM_CHECK' })}>Explore VRAM_CHECK</a>}
        >
          {tight.slice(0, told).map(({ key, name, usedGb, limitGb }) => (
            <span key={key}>
              <b>
                {name} has {amount(limitGb - usedGb)}
                {narrow}GB left
              </b>{' '}
              of {amount(limitGb)}
              {narrow}GB.{' '}
            </span>
          ))}
          {tight.length > told && `${tight.length - told} more have as little.`}
        </Notice>
      )}
      {tight.length === 0 && (!health || health.status === 'ready') && (
        <Notice tone={health ? 'ok' : 'off'} action={toService}>
          {health ? (
            <>
              <b>The collector is healthy.</b> {spoolWords(props.service)}
            </>
          ) : (
            'Asking how the collector fares and what its spool has.'
          )}
        </Notice>
      )}
    </div>
  );
}

function spoolWords(service: GetServiceResponse | undefined): string {
  if (!service) return '';
  const spooled = service.collectors.reduce((sum, { spoolRecords }) => sum + spoolRecords, 0n);
  return spooled === 0n
    ? 'Its spool is empty.'
    : `${integer(Number(spooled))} records are spooled.`;
}
