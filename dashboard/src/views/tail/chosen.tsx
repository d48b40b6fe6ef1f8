import { useEffect } from 'preact/hooks';
import { metadataOf, showBare, timeOf, unitOf } from '../../api/events.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Metadata, Received, Time } from '../../parts/event-details.tsx';
import { Icon } from '../../parts/icon.tsx';
import { EventStatus } from '../../parts/status.tsx';
import { change, hrefOf } from '../../state/address.ts';
import { none } from '../../state/filters.ts';
import type { Line } from './stream.ts';

/** Beside the list; below it where there is no room. */
export function Chosen(props: { line: Extract<Line, { kind: 'event' }>; close: () => void }) {
  const { event, received } = props.line;
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent) => key === 'Escape' && props.close();
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const link = hrefOf('explore', { type: event.eventType, id: event.id });
  return (
    <aside class="panel" aria-label="Chosen event">
      <div class="panel-head">
        <div>
          <h2>{event.eventType}</h2>
          <p>{event.component || 'no component'}</p>
        </div>
        <button type="button" class="btn ghost tiny" aria-label="Close" onClick={props.close}>
          <Icon name="x" />
        </button>
      </div>
      <div class="big1">
        {showBare(event.value)}
        <small>{unitOf(event.eventType).words}</small>
      </div>
      <dl class="dl">
        <dt>Status</dt>
        <dd>
          <EventStatus status={event.status} />
        </dd>
        <dt>Sent</dt>
        <dd>
          <Time ms={timeOf(event)} />
        </dd>
        <dt>Received</dt>
        <dd>
          <Received sent={timeOf(event)} received={received} />
        </dd>
      </dl>
      <h3>Metadata</h3>
      <Metadata metadata={metadataOf(event)} />
      <div class="row">
        <button
          type="button"
          class="btn tiny"
          onClick={() => change({ component: event.component || none })}
        >
          Only this component
        </button>
        <button type="button" class="btn tiny" onClick={() => change({ type: event.eventType })}>
          Only this type
        </button>
        <a class="btn tiny" href={link}>
          Explore it
        </a>
        <CopyButton
          class="btn tiny ghost"
          label="Copy link"
          text={new URL(link, location.href).href}
        />
      </div>
    </aside>
  );
}
