import { errorMessage } from '../errors.ts';

/** One line of what `check` says. */
export interface Finding {
  readonly subject: string;
  /** What is `failed` keeps a collector from its work; of a `warning` somebody should know. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
}

/** Runs a check; what it throws is what is wrong. */
export async function finding(
  subject: string,
  check: () => Promise<string> | string,
): Promise<Finding> {
  try {
    return { subject, state: 'ok', detail: await check() };
  } catch (error) {
    return { subject, state: 'failed', detail: errorMessage(error) };
  }
}
