import { totalmem } from 'node:os';
import { StartError } from '../errors.ts';
import { mebibyte } from '../units.ts';

/** Measured, with room to breathe: docs/limits.md#memory. */
const collectorBytesMin = 160 * mebibyte;
const embeddedBytesMin = 256 * mebibyte;
/** What is left to budgets once the process itself has what it needs. */
const processBytes = 128 * mebibyte;
const embeddedBytes = 80 * mebibyte;
/** Of the process that starts the others, where there are several. */
const supervisorBytes = 128 * mebibyte;

/** Bytes of memory that there are: the limit of the cgroup (of either version), or the machine's. */
export function memoryThere(): number {
  const limit = process.constrainedMemory();
  // Without a limit it is 0, or more than any machine has.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

interface Planned {
  readonly databaseUrl: string;
  readonly memoryBytesMax: number;
  readonly processes: number;
  readonly bufferBytesMax: number;
  readonly receiveBytesMax: number;
}

/** Says what there is; throws a `StartError` where it would be killed sooner or later for the memory that it takes. */
export function checkMemory(planned: Planned): string {
  const { databaseUrl, memoryBytesMax, bufferBytesMax, receiveBytesMax, processes } = planned;
  const isEmbedded = databaseUrl === '';
  const others = (processes - 1) * collectorBytesMin + (processes > 1 ? supervisorBytes : 0);
  const elsewhere = collectorBytesMin + others;
  const least = (isEmbedded ? embeddedBytesMin : collectorBytesMin) + others;
  const has = `TELEMETRY_MEMORY_BYTES_MAX: ${inMebibytes(memoryBytesMax)} of memory`;
  if (memoryBytesMax < least) {
    throw new StartError(
      `${has} are too little: at least ${inMebibytes(least)} are needed${ofMany(processes)}; give it more` +
        (isEmbedded
          ? `, or a PostgreSQL elsewhere by DATABASE_URL, with which ${inMebibytes(elsewhere)} do`
          : ''),
    );
  }
  const taken = processes * processBytes + (processes > 1 ? supervisorBytes : 0);
  const left = memoryBytesMax - taken - (isEmbedded ? embeddedBytes : 0);
  if (bufferBytesMax + receiveBytesMax <= left)
    return `${inMebibytes(memoryBytesMax)}, of which it needs ${inMebibytes(least)} at least`;
  throw new StartError(
    `${has} leave ${inMebibytes(left)} for TELEMETRY_BUFFER_BYTES_MAX (${inMebibytes(bufferBytesMax)}) and ` +
      `TELEMETRY_RECEIVE_BYTES_MAX (${inMebibytes(receiveBytesMax)}) together: lower them, or leave them out`,
  );
}

const ofMany = (processes: number): string =>
  processes === 1 ? '' : ` for ${processes} processes`;

const inMebibytes = (bytes: number): string => `${Math.floor(bytes / mebibyte)} MiB`;
