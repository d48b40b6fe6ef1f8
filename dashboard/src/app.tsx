import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useAnythingThere } from './api/first.ts';
import { useHealth } from './api/health.ts';
import { useKeyName } from './api/key-name.ts';
import { away, tryNow } from './api/reach.ts';
import { Brand, Icon } from './parts/icon.tsx';
import { LiveRegion } from './parts/live-region.tsx';
import { Notice } from './parts/notice.tsx';
import { Bones } from './parts/panel.tsx';
import { hrefOf, type View, view, views } from './state/address.ts';
import { isKeyAsked, key, signOut } from './state/session.ts';
import { switchTheme } from './state/theme.ts';
import { clockSeconds } from './times.ts';
import { Explore } from './views/explore/explore.tsx';
import { FirstRun } from './views/first-run.tsx';
import { Now } from './views/now/now.tsx';
import { Service } from './views/service/service.tsx';
import { SignIn } from './views/sign-in.tsx';
import { Tail } from './views/tail/tail.tsx';
import { Usage } from './views/usage/usage.tsx';

const pages: Readonly<Record<View, () => JSX.Element>> = {
  now: Now,
  usage: Usage,
  explore: Explore,
  tail: Tail,
  service: Service,
};
const names: Readonly<Record<View, string>> = {
  now: 'Now',
  usage: 'Usage',
  explore: 'Explore',
  tail: 'Live tail',
  service: 'Service',
};

export function App() {
  const name = names[view()];
  useEffect(() => {
    document.title = `${isKeyAsked.value ? 'Sign in' : name} · gravitas telemetry`;
  }, [name, isKeyAsked.value]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Top />
      <main class={away.value ? 'page stale' : 'page'} id="main" tabIndex={-1}>
        {away.value && <Away />}
        {isKeyAsked.value ? <SignIn /> : <Page />}
      </main>
      <LiveRegion />
    </>
  );
}

function Top() {
  return (
    <header class="top">
      <div class="top-in">
        <a class="brand" href={hrefOf('now')}>
          <Brand />
          gravitas telemetry
        </a>
        <nav class="nav" aria-label="Views" hidden={isKeyAsked.value}>
          {views.map((each) => (
            <a
              key={each}
              href={hrefOf(each)}
              data-label={names[each]}
              {...(each === view() && { 'aria-current': 'page' })}
            >
              {names[each]}
            </a>
          ))}
        </nav>
        <div class="tools">
          {!isKeyAsked.value && <HealthLink />}
          {key.value !== '' && !isKeyAsked.value && (
            <>
              <KeyName />
              <button type="button" class="btn ghost" onClick={signOut} aria-label="Sign out">
                <Icon name="key" />
                <span class="only-wide">Sign out</span>
              </button>
            </>
          )}
          <button
            type="button"
            class="btn ghost"
            onClick={switchTheme}
            aria-label="Switch between light and dark"
          >
            <Icon name="theme" />
          </button>
        </div>
      </div>
    </header>
  );
}

/** Whose key it is, once the collector has said so. */
function KeyName() {
  const name = useKeyName();
  return name ? <b class="only-wide">{name}</b> : null;
}

function HealthLink() {
  const { value } = useHealth();
  const [tone, word] = away.value
    ? (['err', 'Away'] as const)
    : value === undefined
      ? (['off', 'Asking'] as const)
      : value.status === 'ready'
        ? (['ok', 'Healthy'] as const)
        : value.status === 'degraded'
          ? (['warn', 'Degraded'] as const)
          : (['err', 'Not ready'] as const);
  return (
    <a
      class={`btn ghost st ${tone}`}
      href={hrefOf('service')}
      title={value?.reasons.join('; ')}
      aria-label={`Health: ${word}`}
    >
      <Icon name={tone} />
      <span>{word}</span>
    </a>
  );
}

function Page() {
  const [isKnown, setKnown] = useState(false);
  const { value, unanswered } = useAnythingThere(isKnown);
  const isThere = value === true || unanswered !== undefined;
  useEffect(() => {
    if (isThere) setKnown(true);
  }, [isThere]);
  const Chosen = pages[view()];
  if (isKnown || isThere) return <Chosen />;
  // The tail shows the first event as well as any.
  if (value === false) return view() === 'tail' ? <Chosen /> : <FirstRun />;
  return <Bones height={480} />;
}

function Away() {
  const { since = 0, nextTryAt = 0 } = away.value ?? {};
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, Math.ceil((nextTryAt - now) / 1000));
  return (
    <Notice
      tone="err"
      action={
        <button type="button" class="btn tiny" onClick={tryNow}>
          Try now
        </button>
      }
    >
      <b>The collector has not answered since {clockSeconds(since)}.</b> You see its last answer.
      Senders keep their events and deliver them later.{' '}
      <span class="nowrap">{left > 0 ? `Next try in ${left} s.` : 'Trying.'}</span>
    </Notice>
  );
}
