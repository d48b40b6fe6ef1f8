import type { ComponentChildren } from 'preact';
import { nothing } from '../format.ts';

interface TileProps {
  readonly label: string;
  /** Undefined while it is not known; null where nothing was measured. */
  readonly value: string | null | undefined;
  readonly unit?: string | undefined;
  readonly drawing?: ComponentChildren;
  /** Against what it is to be seen. */
  readonly note?: ComponentChildren;
  readonly isSlim?: boolean;
  /** Of the question before. */
  readonly isOld?: boolean;
  readonly title?: string | undefined;
}

export function Tile({ label, value, unit, drawing, note, isSlim, isOld, title }: TileProps) {
  const names = ['tile', isSlim && 'slim', isOld && value !== undefined && 'old'];
  return (
    <div
      class={names.filter(Boolean).join(' ')}
      aria-busy={value === undefined || isOld === true}
      title={title}
    >
      <div class="lbl">{label}</div>
      <div class={value === null ? 'big muted' : 'big'}>
        {value === undefined ? <span class="bone text" /> : (value ?? nothing)}
        {value && unit && <small>{unit}</small>}
      </div>
      {!isSlim && <div class="spark">{drawing}</div>}
      <div class="delta">{note ?? '\u00a0'}</div>
    </div>
  );
}

export const Tiles = (props: { kind: string; label: string; children: ComponentChildren }) => (
  <section class={`tiles ${props.kind}`} aria-label={props.label}>
    {props.children}
  </section>
);
