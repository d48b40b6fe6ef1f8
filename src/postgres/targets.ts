import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { errorMessage, StartError } from '../errors.ts';
import type { DatabaseAddress, SslMode } from './address.ts';

/** One way to a server: a host, with or without TLS. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly ssl: tls.ConnectionOptions | false;
}

/** Whether TLS is tried at all, and in which order. */
const tried: Readonly<Record<SslMode, readonly boolean[]>> = {
  disable: [false],
  allow: [false, true],
  prefer: [true, false],
  require: [true],
  'verify-ca': [true],
  'verify-full': [true],
};

/** The ways to a database, and the one that works, as far as anybody knows. */
export class Targets {
  readonly #targets: readonly Target[];
  #current = 0;

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  /** Throws a `StartError` where a file can't be read. */
  static of(address: DatabaseAddress): Targets {
    const options = tlsOptions(address);
    return new Targets(
      address.hosts.flatMap(({ host, port }) => {
        // Nobody listens to a Unix socket.
        const modes = host.startsWith('/') ? [false] : tried[address.sslMode];
        return modes.map((encrypted) => ({ host, port, ssl: encrypted && options }));
      }),
    );
  }

  get count(): number {
    return this.#targets.length;
  }

  get current(): Target {
    return this.#targets[this.#current] as Target;
  }

  /** Goes on to the next one, unless somebody has already; `sameHost`: whether that host is worth it. */
  failed(target: Target, sameHost: boolean): void {
    if (this.current !== target) return;
    for (let tries = 0; tries < this.count; tries++) {
      this.#current = (this.#current + 1) % this.count;
      const { host, port } = this.current;
      if (sameHost || host !== target.host || port !== target.port) return;
    }
  }
}

/** As libpq has them: https://www.postgresql.org/docs/current/libpq-ssl.html */
function tlsOptions(address: DatabaseAddress): tls.ConnectionOptions {
  const { sslMode, files, sslPassword } = address;
  const ca = rootCertificates(address);
  const verified =
    sslMode === 'verify-full' ||
    ((sslMode.startsWith('verify') || sslMode === 'require') && ca !== undefined);
  return {
    ...(ca !== undefined && { ca }),
    ...(files.sslcert !== undefined && { cert: read('sslcert', files.sslcert) }),
    ...(files.sslkey !== undefined && { key: read('sslkey', files.sslkey) }),
    ...(files.sslcrl !== undefined && { crl: read('sslcrl', files.sslcrl) }),
    ...(sslPassword !== undefined && { passphrase: sslPassword }),
    rejectUnauthorized: verified,
    ...(sslMode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  };
}

/** Whom the server's certificate is checked against; undefined: nobody. */
function rootCertificates({ sslMode, files }: DatabaseAddress): string | string[] | undefined {
  const { sslrootcert } = files;
  if (sslrootcert === 'system') {
    if (sslMode === 'verify-full') return tls.getCACertificates('system');
    throw new StartError('DATABASE_URL: sslrootcert=system needs sslmode=verify-full');
  }
  if (sslrootcert !== undefined) return read('sslrootcert', sslrootcert);
  const usual = join(homedir(), '.postgresql', 'root.crt');
  if (existsSync(usual)) return read('sslrootcert', usual);
  if (!sslMode.startsWith('verify')) return undefined;
  throw new StartError(
    `DATABASE_URL: sslmode=${sslMode} needs a certificate to verify with: name its file by sslrootcert, or say sslrootcert=system with verify-full (there is no ${usual})`,
  );
}

function read(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartError(`DATABASE_URL: ${parameter} can't be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
