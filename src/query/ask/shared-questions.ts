import { type Asker, left } from './snapshot.ts';

interface Shared<Answer> {
  readonly answer: Promise<Answer>;
  readonly everybodyLeft: AbortController;
  askers: number;
}

/**
 * Questions that are the same are asked once, as long as none of them has begun to be answered: what
 * was acknowledged before somebody asks, he sees. The more there is to do, the more of them wait.
 */
export class SharedQuestions {
  readonly #waiting = new Map<string, Shared<unknown>>();

  /** `name`: of the question, with all that it asks for. */
  async ask<Answer>(
    name: string,
    { signal, ...who }: Asker,
    answer: (asker: Asker) => Promise<Answer>,
  ): Promise<Answer> {
    const found = this.#waiting.get(name) as Shared<Answer> | undefined;
    return await joined(found ?? this.#begin(name, who, answer), signal);
  }

  #begin<Answer>(
    name: string,
    who: Omit<Asker, 'signal'>,
    answer: (asker: Asker) => Promise<Answer>,
  ): Shared<Answer> {
    const everybodyLeft = new AbortController();
    const { signal } = everybodyLeft;
    const close = () => {
      if (this.#waiting.get(name) === shared) this.#waiting.delete(name);
    };
    const shared: Shared<Answer> = {
      // Not before it is known to others.
      answer: Promise.resolve().then(() => answer({ ...who, signal, begins: close })),
      everybodyLeft,
      askers: 0,
    };
    this.#waiting.set(name, shared);
    signal.addEventListener('abort', close, { once: true });
    // Whoever has left does not hear of it.
    shared.answer.catch(() => {}).finally(close);
    return shared;
  }
}

async function joined<Answer>(shared: Shared<Answer>, signal: AbortSignal): Promise<Answer> {
  const gone = Promise.withResolvers<never>();
  const leave = () => {
    gone.reject(left(signal.reason));
    shared.askers -= 1;
    if (shared.askers === 0) shared.everybodyLeft.abort(signal.reason);
  };
  shared.askers += 1;
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([shared.answer, gone.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
