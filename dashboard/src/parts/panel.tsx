import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Answer } from '../api/answer.ts';
import type { Refusal, Unanswered } from '../api/client.ts';
import { signOut } from '../state/session.ts';
import { clockSeconds } from '../times.ts';
import { Icon } from './icon.tsx';

export interface PanelProps {
  readonly title: string;
  /** Names the unit, and what is left out. */
  readonly subtitle?: ComponentChildren;
  /** Of the grid. */
  readonly size?: string;
  readonly tools?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Panel({ title, subtitle, size, tools, children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${size ?? ''}`} aria-labelledby={id}>
      <div class="panel-head">
        <div>
          <h2 id={id}>{title}</h2>
          {subtitle && <p>{subtitle}</p>}
        </div>
        {tools}
      </div>
      {children}
    </section>
  );
}

/** In the final height of what comes. */
export const Bones = ({ height = 160 }: { height?: number }) => (
  <div class="bones" style={{ minHeight: `${height}px` }}>
    <div class="bone plot" />
    <div class="bone text" />
  </div>
);

export const Blank = (props: { title: string; children?: ComponentChildren; height?: number }) => (
  <div class="blank" style={{ minHeight: `${props.height ?? 160}px` }}>
    <b>{props.title}</b>
    {props.children}
  </div>
);

const headlines: Readonly<Record<Refusal, string>> = {
  unauthenticated: 'The collector asks for a key',
  forbidden: 'Your key may not see this',
  missing: 'This collector does not answer this question',
  away: 'The collector does not answer',
  cancelled: 'The question was given up',
  late: 'The question took too long',
  failed: 'The collector could not answer',
};

/** Only the panel that asked says so; the others go on. */
export function Refused(props: { unanswered: Unanswered; again: () => void; scope?: string }) {
  const { refusal, message, requestId } = props.unanswered;
  if (refusal === 'forbidden') {
    return (
      <div class="blank">
        <Icon name="lock" />
        <b>{headlines.forbidden}</b>
        <span>It needs the scope {props.scope ?? 'query'}.</span>
        <button type="button" class="btn tiny" onClick={signOut}>
          Use another key
        </button>
      </div>
    );
  }
  if (refusal === 'missing') {
    return (
      <div class="blank">
        <Icon name="info" />
        <b>{headlines.missing}</b>
        <span>It is of another release than this page.</span>
      </div>
    );
  }
  return (
    <div class="blank">
      <span class="st err">
        <Icon name="err" />
        <b>{headlines[refusal]}</b>
      </span>
      <span>
        {message}
        {requestId && (
          <>
            . Request <code>{requestId}</code>
          </>
        )}
      </span>
      <button type="button" class="btn tiny" onClick={props.again}>
        Ask again
      </button>
    </div>
  );
}

interface AnsweredProps<T> {
  readonly answer: Answer<T>;
  readonly height?: number;
  /** The scope that the question needs. */
  readonly scope?: string;
  children(value: T): ComponentChildren;
}

/** Whether it has to say why there is nothing; what came before stays where asking again took too long. */
export const isRefused = ({ value, unanswered }: Answer<unknown>): boolean =>
  unanswered !== undefined && !(value !== undefined && unanswered.refusal === 'late');

/** What was answered; until then its bones, or why there is nothing. */
export function Answered<T>({ answer, height, scope, children }: AnsweredProps<T>) {
  const { value, unanswered, again, isOld, at } = answer;
  if (unanswered && isRefused(answer)) {
    return <Refused unanswered={unanswered} again={again} {...(scope && { scope })} />;
  }
  return (
    <div class={isOld && value !== undefined ? 'answered old' : 'answered'} aria-busy={isOld}>
      {value === undefined ? <Bones {...(height && { height })} /> : children(value)}
      {unanswered && (
        <p class="panel-foot">As of {clockSeconds(at)}: asking again took too long.</p>
      )}
    </div>
  );
}
