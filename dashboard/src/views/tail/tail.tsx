import { useEffect, useState } from 'preact/hooks';
import { useDimensions } from '../../api/dimensions.ts';
import { amount } from '../../format.ts';
import { EventFilterForm } from '../../parts/event-filters.tsx';
import { Icon } from '../../parts/icon.tsx';
import { PageHead, ZoneChoice } from '../../parts/page-head.tsx';
import { Refused } from '../../parts/panel.tsx';
import { Status } from '../../parts/status.tsx';
import { change, param } from '../../state/address.ts';
import { eventFilters, filterOf } from '../../state/filters.ts';
import { key } from '../../state/session.ts';
import { zone } from '../../state/zone.ts';
import { Chosen } from './chosen.tsx';
import { TailList } from './list.tsx';
import { TailStream } from './stream.ts';

export function Tail() {
  const filters = eventFilters();
  const dimensions = useDimensions(filters.type);
  const [stream, setStream] = useState<TailStream>();
  const [isPaused, setPaused] = useState(false);
  const [round, setRound] = useState(0);
  const asked = `${key.value} ${round} ${JSON.stringify(filters)}`;

  useEffect(() => {
    const opened = new TailStream(filterOf(filters));
    setStream(opened);
    setPaused(false);
    return () => opened.stop();
  }, [asked]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = (event.target as Element).matches('input, select, button, a, textarea');
      if (event.key !== ' ' || isTyping) return;
      event.preventDefault();
      setPaused((paused) => !paused);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const reading = stream?.reading.value;
  const chosen = stream?.lines.value.find(({ id }) => id === param('id'));
  if (
    reading?.state === 'broken' &&
    ['forbidden', 'missing'].includes(reading.unanswered.refusal)
  ) {
    return (
      <>
        <PageHead title="Live tail" />
        <section class="panel">
          <Refused unanswered={reading.unanswered} again={() => setRound(round + 1)} />
        </section>
      </>
    );
  }
  return (
    <>
      <PageHead title="Live tail">
        {reading?.state === 'reading' ? (
          <Status tone={isPaused ? 'off' : 'ok'}>
            {isPaused ? 'Paused' : 'Reading'}, {amount(stream?.perSecond.value ?? 0)} events/s
          </Status>
        ) : (
          <Status tone={reading?.state === 'broken' ? 'warn' : 'off'}>
            {reading?.state === 'broken' ? 'Broken off, trying again' : 'Connecting'}
          </Status>
        )}
        <ZoneChoice />
        <button
          type="button"
          class="btn primary pause"
          aria-pressed={isPaused}
          onClick={() => setPaused(!isPaused)}
        >
          <Icon name={isPaused ? 'play' : 'pause'} />
          {isPaused ? 'Resume' : 'Pause'} <span class="kbd">Space</span>
        </button>
      </PageHead>
      <EventFilterForm
        filters={filters}
        dimensions={dimensions.value}
        isAnyType
        answer={`Keeps the last 2,000 · times in ${zone.value}`}
      />
      <div class={chosen?.kind === 'event' ? 'split' : 'split alone'}>
        {stream && <TailList stream={stream} isPaused={isPaused} resume={() => setPaused(false)} />}
        {chosen?.kind === 'event' && (
          <Chosen line={chosen} close={() => change({ id: undefined })} />
        )}
      </div>
    </>
  );
}
