import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, freemem, hostname, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import type { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';

export type Event = MessageInitShape<typeof EventSchema>;

const diskPath = '/';
const mebibyte = 1024 * 1024;

interface Counters {
  /** Milliseconds since the machine's start, over all cores. */
  readonly cpuBusyMs: number;
  readonly cpuAllMs: number;
  /** Bytes since the machine's start, over all interfaces but the loopback; Linux only. */
  readonly network: { readonly received: number; readonly sent: number } | undefined;
}

/** Measures this machine. What is a rate covers the time since the sample before. */
export class HostSampler {
  readonly #component = hostname();
  #before = readCounters();
  #hasGpu = true;

  async sample(): Promise<Event[]> {
    const measured = [...this.#cpuAndNetwork(), memory(), await disk(), ...(await this.#gpus())];
    const timestamp = timestampNow();
    return measured.map((event) => ({ component: this.#component, timestamp, ...event }));
  }

  #cpuAndNetwork(): Event[] {
    const before = this.#before;
    const now = readCounters();
    this.#before = now;
    const cores = cpus().length;
    const [load1, load5, load15] = loadavg() as [number, number, number];
    const busyMs = now.cpuBusyMs - before.cpuBusyMs;
    // Two samples can fall between two ticks of the clock that counts.
    const allMs = Math.max(now.cpuAllMs - before.cpuAllMs, 1);
    const events = [
      event('CPU_USAGE', (100 * busyMs) / allMs, { unit: 'percent', cores }),
      event('CPU_LOAD', load1, { cores, load_5_minutes: load5, load_15_minutes: load15 }),
    ];
    if (now.network && before.network) {
      // The sum falls when an interface goes.
      const received = Math.max(now.network.received - before.network.received, 0);
      const sent = Math.max(now.network.sent - before.network.sent, 0);
      events.push(event('NETWORK_RECEIVED', received, { unit: 'bytes' }));
      events.push(event('NETWORK_SENT', sent, { unit: 'bytes' }));
    }
    return events;
  }

  async #gpus(): Promise<Event[]> {
    if (!this.#hasGpu) return [];
    try {
      return await gpus();
    } catch (error) {
      this.#hasGpu = (error as NodeJS.ErrnoException).code !== 'ENOENT';
      return [];
    }
  }
}

function event(eventType: string, value: number, metadata: JsonObject): Event {
  return { eventType, value, metadata };
}

function readCounters(): Counters {
  const times = cpus().map((cpu) => cpu.times);
  const idle = times.reduce((sum, { idle }) => sum + idle, 0);
  const all = times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.idle + t.irq, 0);
  return { cpuBusyMs: all - idle, cpuAllMs: all, network: readNetwork() };
}

/** Columns: https://www.kernel.org/doc/html/latest/filesystems/proc.html#networking-info-in-proc-net */
function readNetwork(): Counters['network'] {
  if (!existsSync('/proc/net/dev')) return undefined;
  const total = { received: 0, sent: 0 };
  for (const line of readFileSync('/proc/net/dev', 'utf8').split('\n')) {
    const [name, columns] = line.split(':');
    if (columns === undefined || name?.trim() === 'lo') continue;
    const numbers = columns.trim().split(/\s+/).map(Number);
    total.received += numbers[0] ?? 0;
    total.sent += numbers[8] ?? 0;
  }
  return total;
}

function memory(): Event {
  return event('MEMORY_USED', totalmem() - freemem(), { unit: 'bytes', total: totalmem() });
}

async function disk(): Promise<Event> {
  const { bsize, blocks, bfree } = await statfs(diskPath);
  const metadata = { unit: 'bytes', total: blocks * bsize, path: diskPath };
  return event('DISK_USED', (blocks - bfree) * bsize, metadata);
}

const gpuFields = ['index', 'utilization.gpu', 'memory.used', 'memory.total', 'temperature.gpu'];

/** Throws where there is no nvidia-smi, or it fails. */
async function gpus(): Promise<Event[]> {
  const { stdout } = await promisify(execFile)(
    'nvidia-smi',
    [`--query-gpu=${gpuFields},name`, '--format=csv,noheader,nounits'],
    { timeout: 5000 },
  );
  return stdout.trim().split('\n').flatMap(gpuEvents);
}

function gpuEvents(line: string): Event[] {
  const [index, usage, used, total, temperature, name = ''] = line.split(', ');
  const gpu = { gpu_id: Number(index), gpu_name: name };
  return [
    event('GPU_USAGE', Number(usage), { unit: 'percent', ...gpu }),
    event('GPU_MEMORY_USED', Number(used) * mebibyte, {
      unit: 'bytes',
      total: Number(total) * mebibyte,
      ...gpu,
    }),
    event('GPU_TEMPERATURE', Number(temperature), { unit: 'degrees Celsius', ...gpu }),
    // A card that does not measure something says [N/A].
  ].filter(({ value }) => Number.isFinite(value));
}
