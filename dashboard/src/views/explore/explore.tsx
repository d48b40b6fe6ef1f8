import { useEffect } from 'preact/hooks';
import { sourceWords } from '../../api/ask.ts';
import { type Dimensions, useDimensions } from '../../api/dimensions.ts';
import { integer } from '../../format.ts';
import { EventFilterForm } from '../../parts/event-filters.tsx';
import { PageHead, RangeChoice, Updated, ZoneChoice } from '../../parts/page-head.tsx';
import { Blank, Refused } from '../../parts/panel.tsx';
import { change, param } from '../../state/address.ts';
import { type EventFilters, eventFilters } from '../../state/filters.ts';
import { rangeWords } from '../../state/range.ts';
import { ByComponent } from './by-component.tsx';
import { ByStatus } from './by-status.tsx';
import { Distribution, OverTime } from './drawings.tsx';
import { LatestEvents } from './latest-events.tsx';
import { useByComponent, useEvent } from './questions.ts';

export function Explore() {
  const asked = eventFilters();
  const dimensions = useDimensions(asked.type);
  const filters = { ...asked, type: asked.type || usualType(dimensions.value) };
  useTypeOfEvent(asked);
  const stats = useByComponent(filters);
  const { value } = stats;
  const count = value?.total && `${integer(Number(value.total.count))} events`;
  return (
    <>
      <PageHead title="Explore">
        <Updated at={stats.at} />
        <RangeChoice />
        <ZoneChoice />
      </PageHead>
      <EventFilterForm
        filters={filters}
        dimensions={dimensions.value}
        isAnyType={false}
        answer={[count, sourceWords(value?.source)].filter(Boolean).join(' · ')}
      />
      {dimensions.unanswered ? (
        <Refused {...dimensions} unanswered={dimensions.unanswered} />
      ) : dimensions.value && filters.type === '' ? (
        <section class="panel">
          <Blank title={`No events ${rangeWords()}`}>
            <span>A longer range may have some.</span>
          </Blank>
        </section>
      ) : (
        <div class="grid">
          <OverTime filters={filters} />
          <Distribution filters={filters} answer={stats} />
          <ByComponent filters={filters} answer={stats} />
          <ByStatus filters={filters} />
          <LatestEvents filters={filters} />
        </div>
      )}
    </>
  );
}

/** Values of unlike types have no unit in common: there is always one type. */
function usualType(dimensions: Dimensions | undefined): string {
  const types = dimensions?.get('event_type') ?? [];
  return types.find((type) => type === 'THOUGHT_LATENCY') ?? types[0] ?? '';
}

/** A link to an event alone says its id only. */
function useTypeOfEvent({ type }: EventFilters): void {
  const { value } = useEvent(type === '' ? param('id') : '');
  const found = value?.events[0]?.eventType;
  useEffect(() => {
    if (found) change({ type: found });
  }, [found]);
}
