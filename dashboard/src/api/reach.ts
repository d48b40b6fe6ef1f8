import { computed, signal } from '@preact/signals';

/** Whether the collector answers, and since when it does not. */
interface Away {
  readonly since: number;
  readonly nextTryAt: number;
  readonly tries: number;
}

export const away = signal<Away | undefined>();

/** Counts the answers after which everything is asked anew. */
export const returns = signal(0);

/** When the collector answered last. */
const answeredAt = signal(Date.now());

const triesEveryMs = [2000, 4000, 8000, 15_000];
let timer: ReturnType<typeof setTimeout> | undefined;

export function noteAnswer(): void {
  answeredAt.value = Date.now();
}

/** From here on one probe asks in the place of all questions. */
export function noteSilence(): void {
  if (away.peek()) return;
  away.value = { since: answeredAt.peek(), nextTryAt: 0, tries: 0 };
  schedule();
}

function schedule(): void {
  const { since, tries } = away.peek() as Away;
  const delayMs = triesEveryMs[Math.min(tries, triesEveryMs.length - 1)] as number;
  away.value = { since, tries: tries + 1, nextTryAt: Date.now() + delayMs };
  clearTimeout(timer);
  timer = setTimeout(tryNow, delayMs);
}

export async function tryNow(): Promise<void> {
  clearTimeout(timer);
  try {
    const response = await fetch('/livez', {
      cache: 'no-store',
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`livez: ${response.status}`);
    away.value = undefined;
    noteAnswer();
    returns.value += 1;
  } catch {
    if (away.peek()) schedule();
  }
}

export const isAway = computed(() => away.value !== undefined);
