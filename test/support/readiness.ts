import { setTimeout as sleep } from 'node:timers/promises';
import { getJson } from './http.ts';

interface Readiness {
  readonly status: number;
  readonly reasons: readonly string[];
}

/** Asks /readyz until an answer is as wanted. */
async function untilReadyz(
  baseUrl: string,
  wanted: (readiness: Readiness) => boolean,
): Promise<Readiness> {
  for (;;) {
    const { status, body } = await getJson(`${baseUrl}/readyz`);
    const readiness = { status, reasons: body.reasons as string[] };
    if (wanted(readiness)) return readiness;
    await sleep(20);
  }
}

/** Until one of its reasons says so. */
export const untilReason = (baseUrl: string, pattern: RegExp): Promise<Readiness> =>
  untilReadyz(baseUrl, ({ reasons }) => reasons.some((reason) => pattern.test(reason)));
