import { useState } from 'preact/hooks';
import { useHealth } from '../api/health.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { Status } from '../parts/status.tsx';
import { Table } from '../parts/table.tsx';
import { hrefOf, type View } from '../state/address.ts';
import { key } from '../state/session.ts';
import { clockSeconds } from '../times.ts';

/** Nothing was ever sent: how to send the first event. The page goes on by itself when it is there. */
export const FirstRun = () => (
  <>
    <PageHead title="Ready for the first event" />
    <div class="split">
      <Panel title="Send one from here" subtitle="Copy, run, and this page opens by itself.">
        <Commands />
        <h2 class="again">What appears where</h2>
        <Table label="What appears where" columns={whereColumns} rows={where} isPlain />
      </Panel>
      <Panel title="What is there so far">
        <SoFar />
      </Panel>
    </div>
  </>
);

const origin = location.origin;
const isKeyed = () => key.value !== '';

const commands: Readonly<Record<string, () => string>> = {
  curl: () => `curl ${origin}/v1/telemetry/log \\
  -H 'content-type: application/json' \\${isKeyed() ? '\n  -H "authorization: Bearer $TELEMETRY_TOKEN" \\' : ''}
  -d '{"event_type": "VRAM_CHECK", "component": "L1", "value": 12.5, "status": "OK",
       "metadata": {"gpu_id": 0, "total_vram_gb": 24.0, "used_vram_gb": 11.5}}'`,
  Python: () => `# In a clone: make packages && pip install dist/gravitas_telemetry-*.whl
from gravitas_telemetry import Telemetry

telemetry = Telemetry(url="${origin}"${isKeyed() ? ', token="…"' : ''})
telemetry.log("VRAM_CHECK", component="L1", value=12.5, status="OK",
              metadata={"gpu_id": 0, "total_vram_gb": 24.0, "used_vram_gb": 11.5})
telemetry.close()`,
  TypeScript: () =>
    [
      '// In a clone: make packages && npm install dist/gravitas-telemetry-client-*.tgz',
      "import { Telemetry } from 'gravitas-telemetry-client';",
      '',
      `const telemetry = new Telemetry({ url: '${origin}'${isKeyed() ? ", token: '…'" : ''} });`,
      "telemetry.log('VRAM_CHECK', { component: 'L1', value: 12.5, status: 'OK',",
      '  metadata: { gpu_id: 0, total_vram_gb: 24.0, used_vram_gb: 11.5 } });',
      'await telemetry.close();',
    ].join('\n'),
};

function Commands() {
  const [chosen, setChosen] = useState('curl');
  const text = commands[chosen]?.() ?? '';
  const step = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 };
    const move = moves[event.key];
    if (!move) return;
    const names = Object.keys(commands);
    const next = names[(names.indexOf(chosen) + move + names.length) % names.length] as string;
    setChosen(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Ways to send" onKeyDown={step}>
        {Object.keys(commands).map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-controls="command"
            aria-selected={name === chosen}
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => setChosen(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="command" aria-labelledby={`tab-${chosen}`}>
        <pre class="code" tabIndex={0}>
          {text}
        </pre>
        <p class="row gap-t">
          <CopyButton class="btn primary" label="Copy" text={text} />
        </p>
      </div>
    </>
  );
}

interface Where {
  readonly what: string;
  readonly seen: string;
  readonly view: View;
  readonly name: string;
}

const where: readonly Where[] = [
  { what: 'VRAM_CHECK', seen: 'memory used and free, card by card', view: 'now', name: 'Now' },
  { what: 'LOAD_LATENCY', seen: 'how long models take to load', view: 'now', name: 'Now' },
  { what: 'THOUGHT_LATENCY', seen: 'ms a token, tokens/s', view: 'explore', name: 'Explore' },
  { what: 'log_usage()', seen: 'tokens and cost', view: 'usage', name: 'Usage' },
  { what: 'anything else', seen: 'its values, as they come', view: 'tail', name: 'Live tail' },
];

const whereColumns = [
  {
    label: 'You send',
    value: ({ what }: Where) => what,
    show: ({ what }: Where) => <code>{what}</code>,
  },
  { label: 'You see', value: ({ seen }: Where) => seen, doesWrap: true },
  {
    label: 'In',
    value: ({ name }: Where) => name,
    show: ({ view, name }: Where) => <a href={hrefOf(view)}>{name}</a>,
  },
];

function SoFar() {
  const { value } = useHealth();
  const [began] = useState(Date.now());
  return (
    <ul class="check">
      <li>
        <Status tone="ok">Collector</Status>
        <span class="soft">answers at {location.host}</span>
      </li>
      <li>
        <Status tone={value?.status === 'ready' ? 'ok' : 'warn'}>Health</Status>
        <span class="soft">{value ? value.reasons.join('; ') || value.status : 'asking'}</span>
      </li>
      <li>
        <Status tone="ok">Key</Status>
        <span class="soft">{isKeyed() ? 'yours may read' : 'none needed to read'}</span>
      </li>
      <li>
        <span class="st">
          <span class="pulse-box">
            <i class="pulse" />
          </span>
          Event
        </span>
        <span class="soft">waiting since {clockSeconds(began)}</span>
      </li>
    </ul>
  );
}
