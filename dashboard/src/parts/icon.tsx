const shapes = {
  ok: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="m5.3 8.2 1.9 1.9 3.6-4" />
    </>
  ),
  warn: <path d="M8 2 1.8 13.2h12.4zM8 6.4v3.2M8 11.4v.1" />,
  err: (
    <path d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />
  ),
  off: (
    <>
      <circle cx="8" cy="8" r="6.2" stroke-dasharray="2.4 2.4" />
      <path d="M5.5 8h5" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M8 7.4v3.6M8 5v.1" />
    </>
  ),
  lock: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1" />
      <path d="M5 7V5a3 3 0 0 1 6 0v2" />
    </>
  ),
  table: (
    <>
      <rect x="2" y="3" width="12" height="10" rx="1" />
      <path d="M2 6.5h12M2 9.8h12M6.5 6.5V13" />
    </>
  ),
  csv: <path d="M8 2.5v7.2M5 7l3 3 3-3M2.8 13.2h10.4" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  play: <path d="m5.5 3.5 6 4.5-6 4.5z" />,
  down: <path d="m4 6 4 4 4-4" />,
  right: <path d="m6 4 4 4-4 4" />,
  end: <path d="M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="5.8" />
      <path d="M8 2.2v11.6a5.8 5.8 0 0 0 0-11.6" fill="currentColor" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="2.8" />
      <path d="m7 9 6.2-6.2M10.4 5.6l2 2" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1" />
      <path d="M10.5 5.5v-3h-8v8h3" />
    </>
  ),
  x: <path d="m4 4 8 8M12 4l-8 8" />,
} as const;
export type IconName = keyof typeof shapes;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    {shapes[name]}
  </svg>
);

export const Brand = () => (
  <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true">
    <circle cx="10" cy="10" r="3.2" fill="currentColor" stroke="none" />
    <path d="M17.6 10A7.6 7.6 0 1 1 10 2.4" />
    <circle cx="15.4" cy="4.6" r="1.6" fill="currentColor" stroke="none" />
  </svg>
);
