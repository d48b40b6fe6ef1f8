import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'ok' | 'warn' | 'err' | 'off';

/** Always an icon and a word: colour alone says nothing to some. */
export const Status = (props: {
  tone: Tone;
  /** Grey, so that others stand out. */
  isCalm?: boolean;
  children: ComponentChildren;
}) => (
  <span class={`st ${props.tone}${props.isCalm ? ' calm' : ''}`}>
    <Icon name={props.tone satisfies IconName} />
    {props.children}
  </span>
);

/** What senders write as a status, as far as one can tell. */
function toneOf(status: string): Tone {
  if (/^(ok|success|succeeded|ready|done|info)$/i.test(status)) return 'ok';
  if (/warn|slow|degraded|retry/i.test(status)) return 'warn';
  return status === '' ? 'off' : 'err';
}

export const EventStatus = ({ status, isCalm }: { status: string; isCalm?: boolean }) => (
  <Status tone={toneOf(status)} isCalm={isCalm === true && toneOf(status) === 'ok'}>
    {status || 'none'}
  </Status>
);
