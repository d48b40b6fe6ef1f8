import { once } from 'node:events';

/** Has a process of Node collect garbage and say what is left; it runs with `--inspect`. */
export class Heap {
  readonly #socket: WebSocket;
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** `said`: what the process has said at its start. */
  static async of(said: readonly string[]): Promise<Heap> {
    const [url] = said.flatMap((line) => /ws:\/\/\S+/.exec(line) ?? []);
    if (url === undefined) throw new Error('the process has no inspector');
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Heap(socket);
  }

  /** Bytes of objects that are still used, and of the buffers that they hold. */
  async usedBytes(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await this.#ask('Runtime.getHeapUsage');
    return (usedSize ?? 0) + (backingStorageSize ?? 0);
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(method: string): Promise<Record<string, number>> {
    const id = this.#nextId++;
    const answered = Promise.withResolvers<Record<string, number>>();
    const onMessage = ({ data }: MessageEvent) => {
      const answer = JSON.parse(data);
      if (answer.id === id) answered.resolve(answer.result);
    };
    this.#socket.addEventListener('message', onMessage);
    this.#socket.send(JSON.stringify({ id, method }));
    const result = await answered.promise;
    this.#socket.removeEventListener('message', onMessage);
    return result;
  }
}
