import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { debianProgram, environmentOf, type Installed } from './debian.ts';
import { freePort } from './free-port.ts';

const config = new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url).pathname;

/** See `debianProgram`. */
export const haproxy = debianProgram('usr/sbin/haproxy', [
  'haproxy',
  'liblua5.3-0',
  'libopentracing-c-wrapper0',
  'libopentracing1',
  'libpcre2-8-0',
  'libsystemd0',
]);

export interface Haproxy {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

/** HAProxy before two collectors, as `deploy/haproxy` has it. */
export async function startHaproxy(ports: readonly [number, number]): Promise<Haproxy> {
  const installed = haproxy as Installed;
  const port = await freePort();
  const [a, b] = ports.map((each) => `127.0.0.1:${each}`);
  const server = spawn(installed.program, ['-db', '-f', config], {
    env: {
      ...environmentOf(installed),
      TELEMETRY_ADDRESS: `127.0.0.1:${port}`,
      TELEMETRY_COLLECTOR_A: a,
      TELEMETRY_COLLECTOR_B: b,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(server, 'exit');
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${baseUrl}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (server.exitCode !== null) throw new Error(`HAProxy ended: ${said}`);
  }
  return {
    baseUrl,
    stop: async () => {
      server.kill('SIGTERM');
      await exited;
    },
  };
}
