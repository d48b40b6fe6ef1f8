import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** What is wider than its panel scrolls inside of it, by keys too. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  const [isWide, setWide] = useState(false);
  useEffect(() => {
    const element = ref.current as HTMLDivElement;
    const measure = () => setWide(element.scrollWidth > element.clientWidth + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(element.firstElementChild as Element);
    return () => observer.disconnect();
  }, []);
  const focusable = isWide && {
    tabIndex: 0,
    role: 'region' as const,
    'aria-label': `${label}, scrolls`,
  };
  return (
    <div class="scroll" ref={ref} {...focusable}>
      {children}
    </div>
  );
}
