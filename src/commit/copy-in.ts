import type { Connection, Submittable } from 'pg';

const copyData = 'd'.charCodeAt(0);
const copyDone = Buffer.from('c\0\0\0\x04', 'latin1');
const lengthBytes = 4;

/**
 * A `COPY … FROM STDIN` whose data is at hand: sent from where it lies, without being gathered.
 * Called by node-postgres, as its own queries are.
 * Messages: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export class CopyIn implements Submittable {
  readonly #statement: string;
  readonly #parts: readonly Uint8Array[];
  readonly #completion = Promise.withResolvers<void>();
  /** node-postgres puts its own timeout here. */
  callback: (error?: Error) => void = () => {};

  constructor(statement: string, parts: readonly Uint8Array[]) {
    this.#statement = statement;
    this.#parts = parts;
  }

  /** Resolves when the database has taken all of it; rejected with what it says otherwise. */
  get done(): Promise<void> {
    return this.#completion.promise;
  }

  submit(connection: Connection): void {
    connection.query(this.#statement);
  }

  handleCopyInResponse({ stream }: Connection): void {
    stream.cork();
    const bytes = this.#parts.reduce((sum, part) => sum + part.byteLength, 0);
    const header = Buffer.alloc(1 + lengthBytes);
    header.writeUInt8(copyData, 0);
    header.writeInt32BE(lengthBytes + bytes, 1);
    stream.write(header);
    for (const part of this.#parts) stream.write(part);
    stream.write(copyDone);
    stream.uncork();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback();
    this.#completion.resolve();
  }

  handleError(error: Error): void {
    this.callback(error);
    this.#completion.reject(error);
  }
}
