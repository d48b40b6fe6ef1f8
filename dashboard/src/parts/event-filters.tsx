import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Dimensions } from '../api/dimensions.ts';
import { change } from '../state/address.ts';
import { type EventFilters, readMetadata } from '../state/filters.ts';

interface Props {
  readonly filters: EventFilters;
  readonly dimensions: Dimensions | undefined;
  /** Whether all types at once make sense. */
  readonly isAnyType: boolean;
  /** What came of it. */
  readonly answer: ComponentChildren;
}

export function EventFilterForm({ filters, dimensions, isAnyType, answer }: Props) {
  const choice = (label: string, name: 'type' | 'component' | 'status', dimension: string) => {
    const chosen = filters[name];
    const known = dimensions?.get(dimension) ?? [];
    const all = chosen === '' || known.includes(chosen) ? known : [chosen, ...known];
    const isAny = name !== 'type' || isAnyType;
    return (
      <label>
        {label}
        <select
          class="field"
          aria-label={label}
          value={chosen}
          onChange={({ currentTarget }) => change({ [name]: currentTarget.value, id: undefined })}
        >
          {isAny && <option value="">any</option>}
          {all.map((value) => (
            <option key={value} value={value} selected={value === chosen}>
              {value}
            </option>
          ))}
        </select>
      </label>
    );
  };
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {choice('Event type', 'type', 'event_type')}
      {choice('Component', 'component', 'component')}
      {choice('Status', 'status', 'status')}
      <MetadataField text={filters.metadata} />
      <span class="small muted answer" role="status">
        {answer}
      </span>
    </form>
  );
}

/** Asked for when one leaves the field or presses Enter, not by each letter. */
function MetadataField({ text }: { text: string }) {
  const [draft, setDraft] = useState(text);
  useEffect(() => setDraft(text), [text]);
  const problem = readMetadata(draft);
  const isWrong = typeof problem === 'string';
  const apply = () => {
    if (!isWrong && draft !== text) change({ metadata: draft, id: undefined });
  };
  return (
    <label class="grow">
      {isWrong ? <span class="st err">{problem}</span> : 'Metadata contains'}
      <input
        class="field mono"
        aria-label="Metadata contains"
        placeholder='{"gpu_id": 0}'
        spellcheck={false}
        value={draft}
        aria-invalid={isWrong}
        onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        onBlur={apply}
        onKeyDown={({ key }) => key === 'Enter' && apply()}
      />
    </label>
  );
}
