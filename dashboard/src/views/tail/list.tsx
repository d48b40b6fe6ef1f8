import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { metadataOf, showValue, textOf, timeOf } from '../../api/events.ts';
import { integer } from '../../format.ts';
import { Icon } from '../../parts/icon.tsx';
import { EventStatus } from '../../parts/status.tsx';
import { change, hrefOf, param } from '../../state/address.ts';
import { eventFilters } from '../../state/filters.ts';
import { zone } from '../../state/zone.ts';
import { clockExact, iso } from '../../times.ts';
import type { Line, TailStream } from './stream.ts';

interface Props {
  readonly stream: TailStream;
  readonly isPaused: boolean;
  resume(): void;
}

/** Within so many pixels its end is in sight. */
const endPixels = 30;

/** The newest below. It follows while its end is in sight; otherwise nothing moves, and a bar counts. */
export function TailList({ stream, isPaused, resume }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const lines = stream.lines.value;
  const held = stream.held.value;
  const chosen = param('id');

  const toEnd = () => {
    stream.follow();
    setAtEnd(true);
    resume();
    const element = list.current as HTMLDivElement;
    requestAnimationFrame(() => element.scrollTo({ top: element.scrollHeight }));
  };

  useEffect(() => {
    if (!isPaused && isAtEnd) stream.follow();
    else stream.isFollowing = false;
  }, [stream, isPaused, isAtEnd]);

  useLayoutEffect(() => {
    const element = list.current as HTMLDivElement;
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [lines, isAtEnd]);

  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = list.current as HTMLDivElement;
    setAtEnd(scrollHeight - scrollTop - clientHeight < endPixels);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'End') {
      event.preventDefault();
      toEnd();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const events = lines.filter(({ kind }) => kind === 'event');
    const at = events.findIndex(({ id }) => id === chosen);
    const next = events[at < 0 ? events.length - 1 : at + step];
    if (!next) return;
    change({ id: next.id });
    document.getElementById(`line-${next.id}`)?.scrollIntoView({ block: 'nearest' });
  };

  return (
    <section class="tail" aria-label="Events as they are committed">
      <div class="tl head" aria-hidden="true">
        <span>Time</span>
        <span>Status</span>
        <span>Event type</span>
        <span>Component</span>
        <span class="v">Value</span>
        <span>Metadata</span>
      </div>
      <div
        class="tail-list"
        ref={list}
        role="listbox"
        tabIndex={0}
        aria-label="Events, newest last"
        aria-activedescendant={lines.some(({ id }) => id === chosen) ? `line-${chosen}` : undefined}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
      >
        {lines.map((line) => (
          <Row key={line.id} line={line} isChosen={line.id === chosen} zone={zone.value} />
        ))}
        {lines.length === 0 && (
          <div class="blank" role="option" tabIndex={-1} aria-selected="false" aria-disabled="true">
            <b>Nothing yet</b>
            <span>What is committed from now on appears here.</span>
          </div>
        )}
      </div>
      {held > 0 && (
        <button type="button" class="newbar" onClick={toEnd}>
          <Icon name="end" />
          {integer(held)} new below <span class="kbd">End</span>
        </button>
      )}
    </section>
  );
}

/** Of a line nothing changes but whether it is chosen. */
const Row = memo(({ line, isChosen }: { line: Line; isChosen: boolean; zone: string }) => {
  if (line.kind === 'skipped') {
    return (
      <div class="gapline" role="option" tabIndex={-1} aria-selected="false" aria-disabled="true">
        <Icon name="warn" />
        {integer(line.count)} skipped.{' '}
        <a href={hrefOf('explore', { ...eventFilters() })}>See them in Explore</a>
      </div>
    );
  }
  const { event } = line;
  const at = timeOf(event);
  return (
    <div
      class="tl"
      role="option"
      id={`line-${event.id}`}
      aria-selected={isChosen}
      tabIndex={-1}
      onClick={() => change({ id: isChosen ? undefined : event.id })}
      onKeyDown={({ key }) => key === 'Enter' && change({ id: event.id })}
    >
      <span class="t" title={iso(at)}>
        {clockExact(at)}
      </span>
      <span class="s">
        <EventStatus status={event.status} isCalm />
      </span>
      <span class="ty">{event.eventType}</span>
      <span class="c">{event.component || 'none'}</span>
      <span class="v">{showValue(event.eventType, event.value)}</span>
      <span class="md">
        {Object.entries(metadataOf(event))
          .map(([name, value]) => `${name}=${textOf(value)}`)
          .join(' ')}
      </span>
    </div>
  );
});
