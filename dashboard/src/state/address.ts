import { computed, type ReadonlySignal, signal } from '@preact/signals';

/** The address holds what one looks at, so that it can be shared, and gone back to. Never a key. */
const address = signal(new URLSearchParams(location.search));

export const views = ['now', 'usage', 'explore', 'tail', 'service'] as const;
export type View = (typeof views)[number];

const params = new Map<string, ReadonlySignal<string>>();

/**
 * Of the address; empty where it says nothing of it. What reads one part is not rendered again when
 * another one changes.
 */
export function param(name: string): string {
  let known = params.get(name);
  if (!known) {
    known = computed(() => address.value.get(name) ?? '');
    params.set(name, known);
  }
  return known.value;
}

export function view(): View {
  const named = views.find((each) => each === param('view'));
  return named ?? 'now';
}

export type Changes = Readonly<Record<string, string | undefined>>;

/** The address with some parts changed; those without a value are gone. */
export function hrefWith(changes: Changes): string {
  const next = new URLSearchParams(address.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return `?${next}`;
}

/** What views share; the rest belongs to the view that one leaves. */
const shared = ['t', 'p', 'zone'];

export function hrefOf(view: View, params: Changes = {}): string {
  const kept = shared.map((name) => [name, address.value.get(name)] as const);
  const next = new URLSearchParams({ view });
  for (const [name, value] of [...kept, ...Object.entries(params)])
    if (value) next.set(name, value);
  return `?${next}`;
}

/** Goes there, so that one can go back: to another view, or to one event. */
function go(href: string): void {
  history.pushState(null, '', href);
  address.value = new URLSearchParams(location.search);
}

/** Goes there in the place of where one is: filters, ranges, order. */
export function change(changes: Changes): void {
  history.replaceState(null, '', hrefWith(changes));
  address.value = new URLSearchParams(location.search);
}

/** Links of the page itself change the address without loading the page anew. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    address.value = new URLSearchParams(location.search);
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest('a');
    const href = link?.getAttribute('href');
    if (!href?.startsWith('?') || link?.target) return;
    event.preventDefault();
    const before = view();
    if (link?.hasAttribute('data-replace')) {
      change(Object.fromEntries(new URLSearchParams(href)));
    } else go(href);
    if (view() !== before) scrollTo(0, 0);
  });
}
