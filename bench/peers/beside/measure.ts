import { setTimeout as sleep } from 'node:timers/promises';
import { beginOutage } from '../../../test/support/outage.ts';
import { startLoad } from '../../load/child.ts';
import type { PeerLoadOptions, PeerLoadResult } from '../../load/peer.ts';
import { childrenOf, cpuSecondsOfTree, residentBytes } from '../../support/cpu.ts';
import type { Peer, Place, Running } from './peer.ts';
import type { Places } from './places.ts';
import { type Settled, settled } from './settled.ts';

export interface Sizes {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Of the loads that meet a fault: a rate that all can take. */
  readonly eventsPerSecond: number;
  readonly awaySeconds: number;
  /** After so long without another record, what was accepted and is not stored is given up. */
  readonly settleSecondsMax: number;
}

/** At full speed. */
export interface Speed {
  readonly acceptedPerSecond: number;
  readonly storedPerSecond: number;
  readonly refusals: number;
  readonly cpuUs: number;
  readonly postgresUs: number;
  readonly memoryBytes: number;
  readonly p99_ms: number;
}

/** What a fault did to what was acknowledged. */
export interface Fate {
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
}

export interface Fates {
  readonly killed: Fate;
  readonly away: Fate | undefined;
  readonly twice: Fate;
}

const quietMs = 2000;

export class PeerBench {
  readonly #places: Places;
  readonly #sizes: Sizes;
  readonly #signal: AbortSignal;

  constructor(places: Places, sizes: Sizes, signal: AbortSignal) {
    this.#places = places;
    this.#sizes = sizes;
    this.#signal = signal;
  }

  async speed(peer: Peer): Promise<Speed> {
    return await this.#places.with(async (place) => {
      const running = await peer.start(place);
      const { warmUpSeconds, seconds } = this.#sizes;
      const warm = await this.#load(peer, place, { seconds: warmUpSeconds });
      await this.#settled(peer, place, acknowledgedBy(warm, peer).length);
      const before = await peer.count(place);
      const spent = () => [cpuSecondsOfTree(running.pid), cpuSecondsOfTree(this.#places.pid)];
      const [own = 0, postgres = 0] = spent();
      const startMs = performance.now();
      const result = await this.#load(peer, place, { seconds, from: numbersApart });
      const accepted = acknowledgedBy(result, peer).length;
      const memoryBytes = [running.pid, ...childrenOf(running.pid)]
        .map(residentBytes)
        .reduce((sum, bytes) => sum + bytes);
      const after = await this.#settled(peer, place, before + accepted);
      const stored = after.count - before;
      const storedSeconds = (after.atMs - startMs) / 1000;
      const [ownAfter = 0, postgresAfter = 0] = spent();
      await running.stop('SIGKILL');
      return {
        acceptedPerSecond: accepted / result.seconds,
        storedPerSecond: stored / storedSeconds,
        refusals: result.refusals,
        cpuUs: ((ownAfter - own) / stored) * 1e6,
        postgresUs: ((postgresAfter - postgres) / stored) * 1e6,
        memoryBytes,
        p99_ms: result.p99_ms,
      };
    });
  }

  async fates(peer: Peer): Promise<Fates> {
    const killed = await this.#killed(peer);
    const away = await this.#away(peer);
    return { killed, away, twice: await this.#twice(peer) };
  }

  /** Killed in the middle of it, and started again. */
  async #killed(peer: Peer): Promise<Fate> {
    return await this.#fate(
      peer,
      async (place, running, load) => {
        await sleep(secondsOfKill * 500);
        await running.stop('SIGKILL');
        const again = await peer.start(place);
        await load;
        return again;
      },
      { seconds: secondsOfKill, ...this.#steady(peer) },
    );
  }

  /** Without what it writes to, for a while. */
  async #away(peer: Peer): Promise<Fate | undefined> {
    const { awaySeconds } = this.#sizes;
    if (!peer.away) return undefined;
    return await this.#fate(
      peer,
      async (place, running, load) => {
        await sleep(1000);
        const back = await this.#takeAway(peer, place);
        await sleep(awaySeconds * 1000);
        await back();
        await load;
        return running;
      },
      { seconds: awaySeconds + 2, ...this.#steady(peer) },
    );
  }

  /** Everything is sent twice, as by a client that has lost an answer. */
  async #twice(peer: Peer): Promise<Fate> {
    return await this.#fate(
      peer,
      async (_place, running, load) => {
        await load;
        return running;
      },
      { seconds: secondsOfKill / 2, twice: true, ...this.#steady(peer) },
    );
  }

  async #takeAway(peer: Peer, place: Place): Promise<() => Promise<void>> {
    if (peer.away === 'database') return await beginOutage(place);
    place.sink.isAway = true;
    return async () => {
      place.sink.isAway = false;
    };
  }

  async #fate(
    peer: Peer,
    befall: (place: Place, running: Running, load: Promise<PeerLoadResult>) => Promise<Running>,
    options: Partial<PeerLoadOptions>,
  ): Promise<Fate> {
    return await this.#places.with(async (place) => {
      const running = await peer.start(place);
      const load = this.#load(peer, place, options);
      const last = await befall(place, running, load);
      const acknowledged = acknowledgedBy(await load, peer);
      await this.#settled(peer, place, acknowledged.length);
      await this.#quiet(peer, place);
      const counts = new Map<number, number>();
      for (const each of await peer.stored(place)) counts.set(each, (counts.get(each) ?? 0) + 1);
      await last.stop('SIGKILL');
      return {
        acknowledged: acknowledged.length,
        lost: acknowledged.filter((number) => !counts.has(number)).length,
        doubled: [...counts.values()].filter((count) => count > 1).length,
      };
    });
  }

  #steady({ eventsPerPost }: Peer): Partial<PeerLoadOptions> {
    return { postsPerSecond: Math.max(1, this.#sizes.eventsPerSecond / eventsPerPost) };
  }

  async #load(
    { kind, connections, eventsPerPost }: Peer,
    { port }: Place,
    options: Partial<PeerLoadOptions>,
  ): Promise<PeerLoadResult> {
    const all = { port, kind, connections, eventsPerPost, from: 0, ...options };
    const load = await startLoad<PeerLoadResult>('peer.ts', all, this.#signal);
    return await load.go();
  }

  /** Waits until nothing more comes: what is stored twice comes last. */
  async #quiet(peer: Peer, place: Place): Promise<void> {
    for (let before = -1; ; await sleep(quietMs)) {
      const count = await peer.count(place);
      if (count === before) return;
      before = count;
    }
  }

  async #settled(peer: Peer, place: Place, wanted: number): Promise<Settled> {
    return await settled(() => peer.count(place), wanted, this.#sizes.settleSecondsMax);
  }
}

/** Numbers of the measured load are none of those that warmed up. */
const numbersApart = 1_000_000_000;
const secondsOfKill = 6;

function acknowledgedBy({ acknowledged }: PeerLoadResult, { eventsPerPost }: Peer): number[] {
  return acknowledged.flatMap((first) =>
    Array.from({ length: eventsPerPost }, (_, at) => first + at),
  );
}
