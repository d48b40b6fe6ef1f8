/** What a run has opened, closed again at its end, the last first. */
export class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  /** Takes it while it is opening still: a run may be ended in between. */
  add<T>(opening: Promise<T>, close: (value: T) => Promise<void>): Promise<T> {
    this.#closers.push(async () => {
      const value = await opening.then(
        (value) => ({ value }),
        // Whoever opened it has heard of that.
        () => undefined,
      );
      if (value) await close(value.value);
    });
    return opening;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
  }
}

/** What `open` has opened is closed again where it fails. */
export async function openAll<T>(open: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = new Opened();
  try {
    return await open(opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}
