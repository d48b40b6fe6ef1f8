import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { startLoad } from '../load/child.ts';
import type { SyslogOptions } from '../load/syslog.ts';
import type { Bench, Lineup } from '../support/bench.ts';
import { whileMeasuring } from '../support/measure.ts';

const program = '/usr/sbin/rsyslogd';
const output = '/usr/lib/*/rsyslog/ompgsql.so';
/** Of the run's rows: as many as take it a few seconds. */
const share = 0.1;
const startMsMax = 10_000;

/** Debian's packages rsyslog and rsyslog-pgsql. */
export const rsyslogInstalled = (): boolean => existsSync(program) && globSync(output).length > 0;

/** Its batches are transactions; the queue holds everything, so that nothing is discarded. */
const configuration = (port: number, directory: string, database: string) => `
global(workDirectory="${directory}")
module(load="imptcp")
module(load="mmjsonparse")
module(load="ompgsql")
template(name="insert" type="string" option.stdsql="on" string="insert into system_telemetry \
(event_type, component, value, metadata, status) values ('%$!event_type%', '%$!component%', \
%$!value%, '%$!metadata%', '%$!status%')")
input(type="imptcp" address="127.0.0.1" port="${port}" ruleset="store")
ruleset(name="store" queue.type="LinkedList" queue.size="1000000" queue.highwatermark="900000"
    queue.discardmark="1000000" queue.dequeuebatchsize="2000" queue.workerthreads="2"
    queue.workerthreadminimummessages="5000") {
  action(type="mmjsonparse")
  action(type="ompgsql" template="insert" conninfo="${database}")
}
`;

/** Started for all rounds. */
export async function openRsyslog(bench: Bench): Promise<Lineup> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const { host, user, database } = bench.postgres.connection;
  const file = join(directory.path, 'rsyslog.conf');
  const target = `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}`;
  writeFileSync(file, configuration(port, directory.path, target));
  const child = spawn(program, ['-n', '-f', file, '-i', join(directory.path, 'pid')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  await untilListening(port, child);
  return {
    contestants: [
      {
        name: `rsyslog ${version()} with ompgsql, JSON over TCP`,
        measure: () => measure(bench, port, child.pid as number),
      },
    ],
    close: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      directory.remove();
    },
  };
}

function version(): string {
  const output = execFileSync(program, ['-v'], { encoding: 'utf8' });
  return /^rsyslogd +(\d[\d.]*\d)/.exec(output)?.[1] ?? '';
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const endMs = performance.now() + startMsMax;
  while (performance.now() < endMs && child.exitCode === null) {
    const socket = net.connect({ port, host: '127.0.0.1' });
    const connected = once(socket, 'connect').then(() => true);
    const opened = await connected.catch(() => false);
    socket.destroy();
    if (opened) return;
    await sleep(50);
  }
  throw new Error('rsyslog does not start');
}

/** It acknowledges nothing: the time is up when the rows are there. */
async function measure(bench: Bench, port: number, pid: number) {
  const rows = Math.ceil(share * bench.sizes.rows);
  const options: SyslogOptions = { port, rows, seed: bench.seed };
  const load = await startLoad<object>('syslog.ts', options, bench.signal);
  const { result, seconds, cpu } = await whileMeasuring(bench, pid, async () => {
    const outcome = await load.go();
    await bench.postgres.untilRows(rows, { secondsMax: 120 });
    return outcome;
  });
  return { rows, seconds, cpuSeconds: { client: result.cpuSeconds, ...cpu }, figures: {} };
}
