import { useEffect, useRef, useState } from 'preact/hooks';
import { isKeyAsked, key } from '../state/session.ts';
import { Unanswered } from './client.ts';
import { isAway, noteAnswer, noteSilence, returns } from './reach.ts';

/** What is known of a question: the last answer stays while the next one is under way. */
export interface Answer<T> {
  readonly value?: T;
  readonly unanswered?: Unanswered;
  /** When `value` was asked for, in ms. */
  readonly at: number;
  /** Of the question before, whose answer is shown until this one's comes. */
  readonly isOld: boolean;
  again(): void;
}

interface Known<T> {
  readonly question: string;
  readonly value?: T;
  readonly unanswered?: Unanswered;
  readonly at: number;
}

/** An answer to another question is none to this one. */
const answerTo = <T>({ question, value }: Known<T>, asked: string): { value?: T } =>
  question === asked && value !== undefined ? { value } : {};

/** Of a dashboard that is looked at; one in the background asks nothing. */
export const refreshMs = 5000;

/**
 * Calls when what is being rendered has been seen: answering takes the processor that drawing needs,
 * and who has chosen something sees that before its answer. Answers with how to take it back.
 */
function onceShown(call: () => void): () => void {
  // While the page loads nobody has chosen anything, and waits for answers alone.
  if (!navigator.userActivation?.hasBeenActive) {
    call();
    return () => {};
  }
  let frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(call);
  });
  return () => cancelAnimationFrame(frame);
}

/**
 * Asks when the question changes, and every so often. `question` names everything that `ask`
 * depends on; undefined: nothing is asked.
 */
export function useAnswer<T>(
  question: string | undefined,
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs = 0,
): Answer<T> {
  const [known, setKnown] = useState<Known<T>>({ question: '', at: 0 });
  const latest = useRef(ask);
  latest.current = ask;
  const askAgain = useRef(() => {});
  const asked = question === undefined ? undefined : `${returns.value} ${key.value} ${question}`;

  useEffect(() => {
    if (asked === undefined) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      clearTimeout(timer);
      if (!isAway.peek() && !document.hidden) {
        const at = Date.now();
        try {
          const value = await latest.current(abort.signal);
          noteAnswer();
          setKnown({ question: asked, value, at });
        } catch (cause) {
          if (abort.signal.aborted) return;
          tell(asked, new Unanswered(cause));
        }
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = setTimeout(run, everyMs);
    };
    const tell = (question: string, unanswered: Unanswered) => {
      if (unanswered.refusal === 'away') noteSilence();
      else if (unanswered.refusal === 'unauthenticated') isKeyAsked.value = true;
      else setKnown((last) => ({ ...answerTo(last, question), at: last.at, question, unanswered }));
    };
    const onVisible = () => {
      if (!document.hidden && everyMs > 0) run();
    };
    askAgain.current = run;
    document.addEventListener('visibilitychange', onVisible);
    const cancel = onceShown(run);
    return () => {
      cancel();
      document.removeEventListener('visibilitychange', onVisible);
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked, everyMs]);

  const isOld = asked !== undefined && known.question !== asked;
  return { ...known, isOld, again: () => askAgain.current() };
}
