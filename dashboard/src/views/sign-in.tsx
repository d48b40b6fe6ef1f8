import { useRef, useState } from 'preact/hooks';
import { query, Unanswered } from '../api/client.ts';
import { Icon } from '../parts/icon.tsx';
import { key, signIn } from '../state/session.ts';

const told: Readonly<Partial<Record<Unanswered['refusal'], string>>> = {
  unauthenticated: 'This key is unknown, expired or revoked.',
  forbidden: 'This key may not read: it needs the scope query.',
  away: 'The collector does not answer.',
};

/** The collector says who may read; the page only asks with the key. */
export function SignIn() {
  const [problem, setProblem] = useState(key.value ? told.unauthenticated : undefined);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const remember = useRef<HTMLInputElement>(null);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const secret = field.current?.value.trim() ?? '';
    if (secret === '') {
      setProblem('Enter a key.');
      return;
    }
    setBusy(true);
    try {
      const headers = { authorization: `Bearer ${secret}` };
      await query.listEvents({ pageSize: 1 }, { headers });
      signIn(secret, remember.current?.checked === true);
    } catch (cause) {
      const { refusal, message } = new Unanswered(cause);
      setProblem(told[refusal] ?? message);
      field.current?.focus();
    } finally {
      setBusy(false);
    }
  };

  return (
    <div class="center">
      <section class="panel">
        <div>
          <h1>Sign in</h1>
          <p class="soft">This collector asks for a key that may read.</p>
        </div>
        <form class="vstack s2" onSubmit={submit}>
          <label for="key">Query key</label>
          <input
            class="field wide mono"
            id="key"
            ref={field}
            type="password"
            autocomplete="off"
            spellcheck={false}
            aria-invalid={problem !== undefined}
            aria-describedby="key-problem"
          />
          <p class="st err small problem" id="key-problem" role="alert">
            {problem && (
              <>
                <Icon name="err" />
                {problem}
              </>
            )}
          </p>
          <label class="row tight">
            <input type="checkbox" ref={remember} /> Remember on this device until I sign out
          </label>
          <button type="submit" class="btn primary tall" disabled={isBusy}>
            Sign in
          </button>
        </form>
        <div class="vstack s2 small soft">
          <p>Otherwise the key is forgotten with this tab. It never goes into an address.</p>
          <p>No key yet? On the collector's machine:</p>
          <pre class="code" tabIndex={0}>
            gravitas-telemetry keys create me --scopes query
          </pre>
        </div>
      </section>
    </div>
  );
}
