import type { Socket } from 'node:net';
import pg from 'pg';
import { type TransactionSettings, TransactionStart } from './settings.ts';
import type { Target, Targets } from './targets.ts';

/** A connection that knows where it leads, and by what its transactions begin. */
export class Client extends pg.Client {
  readonly #settings: TransactionSettings;
  readonly #targets: Targets;
  readonly #target: Target;
  /** As the server's list of activity shows it. */
  readonly name: string;
  #serverMajor = 0;
  #start: TransactionStart | undefined;

  constructor(config: pg.ClientConfig, settings: TransactionSettings, targets: Targets) {
    const target = targets.current;
    super({ ...config, ...target });
    this.#settings = settings;
    this.#targets = targets;
    this.#target = target;
    this.name = config.application_name ?? '';
    // Its end may come before whoever asked for it listens: unheard, it would end the process.
    this.on('error', () => {});
    connectionOf(this).on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version')
        this.#serverMajor = Number.parseInt(parameterValue, 10);
    });
  }

  override connect(): Promise<this>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    // Before TLS takes its place.
    const { stream } = connectionOf(this);
    const connecting = super.connect().then(
      () => this,
      (error) => {
        // A server that has said something may say something else with TLS, or without.
        this.giveUpTarget(stream.bytesRead > 0);
        throw error;
      },
    );
    if (!callback) return connecting;
    connecting.then(() => callback(undefined as unknown as Error), callback);
    return undefined;
  }

  /** Later connections lead elsewhere, if there is another place. */
  giveUpTarget(sameHost: boolean): void {
    this.#targets.failed(this.#target, sameHost);
  }

  /** Whether an answer is due. */
  get isBusy(): boolean {
    return !(this as unknown as { readyForQuery?: boolean }).readyForQuery;
  }

  /** In both directions. */
  get bytesMoved(): number {
    const { bytesRead, bytesWritten } = connectionOf(this).stream;
    return bytesRead + bytesWritten;
  }

  /** Breaks the connection: whoever waits for it gets the error. */
  giveUp(error: Error): void {
    connectionOf(this).stream.destroy(error);
  }

  /** Of a connection that is open. */
  get transactionStart(): TransactionStart {
    this.#start ??= new TransactionStart(this.#settings, this.#serverMajor);
    return this.#start;
  }
}

interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

interface Connection {
  readonly stream: Socket;
  on(event: 'parameterStatus', listener: (message: ParameterStatus) => void): void;
}

/** Not in the types of node-postgres. */
const connectionOf = (client: pg.Client): Connection =>
  (client as unknown as { connection: Connection }).connection;

/** Undefined for a connection that is not of our pools. */
export const transactionStartOf = (client: pg.ClientBase): TransactionStart | undefined =>
  client instanceof Client ? client.transactionStart : undefined;
