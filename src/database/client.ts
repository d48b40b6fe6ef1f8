import pg from 'pg';
import { type TransactionSettings, TransactionStart } from './settings.ts';

/** A connection that knows by what its transactions begin. */
export class Client extends pg.Client {
  readonly #settings: TransactionSettings;
  #serverMajor = 0;
  #start: TransactionStart | undefined;

  constructor(config: pg.ClientConfig, settings: TransactionSettings) {
    super(config);
    this.#settings = settings;
    connectionOf(this).on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version')
        this.#serverMajor = Number.parseInt(parameterValue, 10);
    });
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
  on(event: 'parameterStatus', listener: (message: ParameterStatus) => void): void;
}

/** Not in the types of node-postgres. */
const connectionOf = (client: pg.Client): Connection =>
  (client as unknown as { connection: Connection }).connection;

/** Undefined for a connection that is not of our pools. */
export const transactionStartOf = (client: pg.ClientBase): TransactionStart | undefined =>
  client instanceof Client ? client.transactionStart : undefined;
