import { useAnswer } from './answer.ts';
import { query } from './client.ts';

/** Of the key that this tab reads with: the collector knows it, not the page. */
export const useKeyName = (): string =>
  useAnswer('key name', async (signal) => (await query.getService({}, { signal })).keyName).value ??
  '';
