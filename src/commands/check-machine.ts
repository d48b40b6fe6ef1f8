import { once } from 'node:events';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { parseKeys, readKeyFile } from '../admin/given-keys.ts';
import { isLoopback } from '../admin/loopback.ts';
import type { Config } from '../config.ts';
import { errorMessage, StartError } from '../errors.ts';
import { OwnPricesFile } from '../prices/own-file.ts';
import { openCertificate } from '../serve/tls/certificate-files.ts';
import { dayMs, mebibyte } from '../units.ts';
import type { Finding } from './finding.ts';

/** The directory can be written to, or made, and has room. */
export function checkDisk({ dataDirectory, diskReserveBytes }: Config): string {
  let there = dataDirectory;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch {
    throw new StartError(`TELEMETRY_DATA_DIR: ${there} can't be written to`);
  }
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  if (free <= diskReserveBytes) {
    throw new StartError(
      `${mebibytes(free)} are free in ${there}: with less than TELEMETRY_DISK_RESERVE_BYTES (${mebibytes(diskReserveBytes)}) nothing is taken`,
    );
  }
  return `${mebibytes(free)} free in ${there}`;
}

/** Says where it could not listen; a collector that runs already does so. */
export async function checkAddress({ host, port }: Config): Promise<Finding[]> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return [];
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const state = isTaken ? 'warning' : 'failed';
    const who = isTaken ? ': by a collector that runs already, or by another program' : '';
    const detail = `TELEMETRY_HOST, TELEMETRY_PORT: ${errorMessage(error)}${who}`;
    return [{ subject: 'address', state, detail }];
  } finally {
    server.close();
  }
}

export async function checkCertificate(config: Config): Promise<string> {
  const certificate = await openCertificate(config);
  if (!certificate) return 'none: the port takes plain text';
  const days = Math.floor((certificate.expiresAt.getTime() - Date.now()) / dayMs);
  if (days < 0) throw new StartError(`it expired on ${certificate.expiresAt.toISOString()}`);
  return `valid for ${days} days`;
}

export function checkPrices({ pricesFile }: Config): string {
  const { entries } = new OwnPricesFile(pricesFile).prices;
  return pricesFile === '' ? 'those of the list' : `${entries.length} of your own before the list`;
}

/** Somebody can call, and not everybody can. `inDatabase`: undefined where that can't be asked. */
export function checkKeys(config: Config, inDatabase: number | undefined): string {
  const { apiKeys, apiKeysFile, anonymousScopes, host } = config;
  const given = [
    ...parseKeys(apiKeys, 'environment', 'TELEMETRY_API_KEYS'),
    ...(apiKeysFile === '' ? [] : readKeyFile(apiKeysFile)),
  ].length;
  const count = given + (inDatabase ?? 0);
  if (count === 0 && anonymousScopes === 'auto' && !isLoopback(host)) {
    throw new StartError(
      `TELEMETRY_HOST: ${host} can be reached from other machines, and there is no key: make one with "gravitas-telemetry keys create", or say in TELEMETRY_ANONYMOUS_SCOPES what everybody may do without one`,
    );
  }
  if (count > 0) return `${given} given, ${inDatabase ?? 'an unknown number'} in the database`;
  return 'none: everybody who reaches it may call';
}

const mebibytes = (bytes: number): string => `${Math.floor(bytes / mebibyte)} MiB`;
