import { signal } from '@preact/signals';

const said = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says it to those who listen to the page, once they stop pressing keys. */
export function announce(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    said.value = text;
  }, 150);
}

export const LiveRegion = () => (
  <div class="sr" id="live" aria-live="polite">
    {said.value}
  </div>
);
