import { once } from 'node:events';
import net from 'node:net';

/** Where a COMMIT is cut: before the server hears it, in its answer, or with the answer lost. */
export const commitCuts = ['unheard', 'half answered', 'unanswered'] as const;
type CommitCut = (typeof commitCuts)[number];

interface Link {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** What is sent is lost, and nobody is told. */
  silent: 'both ways' | 'from the server' | false;
  /** A group is being stored. */
  stores: boolean;
}

/** By these the transactions of groups are told from others. */
const claims = /(copy|insert into) [^(]*\bbatch_ledger\b/;
/** The end of a simple query, and what the server says when it is done. */
const commitWord = 'commit\0';
const commitDone = 'COMMIT\0';

/** A network between clients and one server, on a port of its own, that fails on command. */
export class FaultyNetwork {
  readonly port: number;
  readonly #listener: net.Server;
  readonly #links = new Set<Link>();
  readonly #clients = new Set<net.Socket>();
  #targets: readonly net.NetConnectOpts[];
  #connections = 0;
  #stalled = false;
  #refusing = false;
  #swallowing = false;
  #cuts: CommitCut[] = [];
  /** Commits that were cut. */
  commitsCut = 0;

  private constructor(listener: net.Server, target: net.NetConnectOpts) {
    this.port = (listener.address() as net.AddressInfo).port;
    this.#listener = listener;
    this.#targets = [target];
    listener.on('connection', (client) => this.#connect(client));
  }

  static async start(target: net.NetConnectOpts): Promise<FaultyNetwork> {
    const listener = net.createServer({ allowHalfOpen: true, noDelay: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new FaultyNetwork(listener, target);
  }

  /** Where new connections lead from now on, in turn. */
  set targets(targets: readonly net.NetConnectOpts[]) {
    this.#targets = targets;
  }

  /** Connections under way. */
  get links(): number {
    return this.#links.size;
  }

  /** Breaks all connections. */
  drop(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  /** New connections are closed at once. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** Nothing moves, and nothing is lost, until this is called with false. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const { client, server } of this.#links) {
      for (const socket of [client, server]) stalled ? socket.pause() : socket.resume();
    }
  }

  /** The connections there are fall silent for good; new ones work. */
  silence(): void {
    for (const link of this.#links) link.silent = 'both ways';
  }

  /** The same, and new ones are silent too, until this is called with false. */
  swallow(swallowing: boolean): void {
    this.#swallowing = swallowing;
    if (swallowing) this.silence();
  }

  /** As `silence`, but what clients say is heard. */
  silenceAnswers(): void {
    for (const link of this.#links) link.silent = 'from the server';
  }

  /** Ends one direction of each connection; the other goes on. */
  halfClose(towards: 'client' | 'server'): void {
    for (const link of this.#links) link[towards].end();
  }

  /** Cuts the connections of the next commits, one each. */
  cutCommits(cuts: readonly CommitCut[]): void {
    this.#cuts = [...cuts];
  }

  /** Commits that are still to be cut. */
  get cutsLeft(): number {
    return this.#cuts.length;
  }

  async stop(): Promise<void> {
    this.#listener.close();
    this.drop();
    const closed = once(this.#listener, 'close');
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  #connect(client: net.Socket): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    const target = this.#targets[this.#connections++ % this.#targets.length];
    const server = net.connect({ ...(target as net.NetConnectOpts), allowHalfOpen: true });
    const silent = this.#swallowing && 'both ways';
    const link: Link = { client, server, silent, stores: false };
    this.#links.add(link);
    this.#pump(link, client, server);
    this.#pump(link, server, client);
    for (const socket of [client, server]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#links.delete(link);
        server.destroy();
        // That the server has gone is not heard across a silence.
        if (!link.silent) client.destroy();
      });
    }
  }

  #pump(link: Link, from: net.Socket, to: net.Socket): void {
    from.on('data', (bytes) => {
      const silent = link.silent === 'both ways' || (link.silent && from === link.server);
      if (silent || !this.#survivesCut(link, from, bytes)) return;
      if (!to.write(bytes)) from.pause();
    });
    from.on('end', () => link.silent || to.end());
    to.on('drain', () => this.#stalled || from.resume());
    if (this.#stalled) from.pause();
  }

  /** Whether the bytes go on; those of a commit that is cut may not. */
  #survivesCut(link: Link, from: net.Socket, bytes: Buffer): boolean {
    const [next] = this.#cuts;
    if (from === link.client) {
      if (claims.test(bytes.toString('latin1'))) link.stores = true;
      if (!link.stores || next !== 'unheard' || !bytes.includes(commitWord)) return true;
      link.client.destroy();
    } else {
      if (!link.stores || !bytes.includes(commitDone)) return true;
      link.stores = false;
      if (next === undefined || next === 'unheard') return true;
      if (next === 'half answered') link.client.end(bytes.subarray(0, bytes.length / 2));
      link.client.destroySoon();
    }
    this.#cuts.shift();
    this.commitsCut += 1;
    return false;
  }
}
