import { expect, it } from 'vitest';
import { Tally } from '../src/counters.ts';
import type { Batch } from '../src/encode.ts';
import { Notices } from '../src/notices.ts';
import { settle } from '../src/options.ts';
import { Sender } from '../src/sender.ts';
import type { Transport } from '../src/transport.ts';

const silent = { info: () => {}, warn: () => {} };
const fields = { component: '', value: 1, metadata: null, status: '' };
const event = { kind: 'event', timeUs: 1, eventType: 'A', ...fields } as const;

/** Clause 3.8. */
it.each<[string, Transport['send']]>([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(Object.create(null))],
  ['gives what is no answer', (async () => ({ kind: 'odd' })) as unknown as Transport['send']],
  ['gives nothing', (async () => undefined) as unknown as Transport['send']],
])('what a transport holds that %s finds its place', async (_, send) => {
  const tally = new Tally();
  const kept: Batch[] = [];
  const sender = new Sender({
    settings: settle({ logger: silent }, {}, 'none'),
    resource: undefined,
    beforeSend: undefined,
    host: 'h',
    transport: { parallel: 2, send, close: () => {} },
    fallback: {
      take: async (batch) => void kept.push(batch),
      takeNow: (batches) => void kept.push(...batches),
      setAside: async (batch) => void kept.push(batch as Batch),
    },
    tally,
    notices: new Notices(silent),
    breathe: async () => {},
  });
  for (let count = 0; count < 5; count += 1) sender.append(event);
  await sender.flush(5000);
  sender.append(event);
  await sender.close(5000);
  expect(kept.reduce((sum, { records }) => sum + records, 0)).toBe(6);
});
