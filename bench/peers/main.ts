import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Alone } from '../support/alone.ts';
import { describeMachine } from '../support/machine.ts';
import { numberOption } from '../support/numbers.ts';
import { PeerBench, type Sizes, type Speed } from './beside/measure.ts';
import { otelPeers } from './beside/otel.ts';
import { ourPeers, rfcPeers } from './beside/ours.ts';
import type { Peer } from './beside/peer.ts';
import { Places } from './beside/places.ts';
import { type Measured, peersMarkdown } from './beside/table.ts';
import { telegrafPeers } from './beside/telegraf.ts';

/** docs/performance.md says what is measured, and how to read it. */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    /** Part of a name: only peers that have it. */
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: join(import.meta.dirname, '../results') },
    /** Neither kills nor outages; and with no round, nothing but these. */
    'no-faults': { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
});
const rounds = numberOption('rounds', values.rounds);
const sizes: Sizes = values.smoke
  ? { warmUpSeconds: 0.5, seconds: 1, eventsPerSecond: 500, awaySeconds: 2, settleSecondsMax: 10 }
  : {
      ...{
        warmUpSeconds: 6,
        seconds: numberOption('seconds', values.seconds, { isWhole: false }),
        eventsPerSecond: 2000,
      },
      ...{ awaySeconds: 20, settleSecondsMax: 60 },
    };
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
const isWanted = ({ name }: { readonly name: string }) =>
  !values.only || values.only.some((part) => name.includes(part));
const found = [...ourPeers(), ...telegrafPeers(), ...otelPeers(), ...rfcPeers()].filter(isWanted);
const peers = found.filter((each): each is Peer => 'start' in each);
const missing = found.filter((each) => 'reason' in each);

const startedAt = new Date().toISOString();
const before = describeMachine();
const alone = new Alone(values.smoke ? 1 : 3);
const places = await Places.open();
const bench = new PeerBench(places, sizes, interrupted.signal);
const speeds = new Map<Peer, Speed[]>(peers.map((peer) => [peer, []]));
const measured: Measured[] = [];
try {
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      const speed = await alone.measure(() => bench.speed(peer));
      speeds.get(peer)?.push(speed);
      console.error(`round ${round + 1}, ${peer.name}: ${JSON.stringify(speed)}`);
    }
  }
  for (const peer of peers) {
    const fates = values['no-faults'] ? {} : await bench.fates(peer);
    measured.push({ peer, speeds: speeds.get(peer) as Speed[], ...fates });
    console.error(`${peer.name}: ${JSON.stringify(fates)}`);
  }
} finally {
  await places.close();
}

const machine = { ...before, ...alone.describe() };
mkdirSync(values.out, { recursive: true });
const stem = join(values.out, `peers-${startedAt.slice(0, 16).replace(':', '')}`);
const markdown = peersMarkdown({ startedAt, machine, sizes, measured, missing });
writeFileSync(
  `${stem}.json`,
  `${JSON.stringify({ startedAt, machine, sizes, measured, missing }, undefined, 2)}\n`,
);
writeFileSync(`${stem}.md`, markdown);
console.log(markdown);
process.exit(0);
