import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

/** `off`: not known yet, or nothing to tell. */
export type NoticeTone = 'ok' | 'warn' | 'err' | 'off';

export const Notice = (props: {
  tone: NoticeTone;
  action?: ComponentChildren;
  children: ComponentChildren;
}) => (
  <div class={`notice ${props.tone}`} {...(props.tone === 'err' && { role: 'alert' })}>
    <Icon name={props.tone} />
    <div class="body">{props.children}</div>
    {props.action}
  </div>
);
