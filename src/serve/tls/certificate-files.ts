import { basename } from 'node:path';
import type { Registry } from 'prom-client';
import { errorMessage, StartError } from '../../errors.ts';
import { gaugesOf } from '../../observe/gauge.ts';
import type { Health } from '../../observe/health.ts';
import type { Logger } from '../../observe/logger.ts';
import { secondMs } from '../../units.ts';
import {
  type Certificate,
  checkFiles,
  digestOf,
  readFiles,
  type TlsOptions,
} from './certificate.ts';

/** Throws a `StartError` where they can't be used; undefined where there is to be no TLS. */
export async function openCertificate(options: TlsOptions): Promise<Certificate | undefined> {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = options;
  if (tlsCertFile !== '' && tlsKeyFile === '') throw needs('CERT', 'KEY');
  if (tlsCertFile === '' && tlsKeyFile !== '') throw needs('KEY', 'CERT');
  if (tlsCertFile === '' && tlsClientCaFile !== '') throw needs('CLIENT_CA', 'CERT');
  if (tlsCertFile === '') return undefined;
  return checkFiles(await readFiles(options), options);
}

const needs = (given: string, missing: string) =>
  new StartError(`TELEMETRY_TLS_${given}_FILE: TELEMETRY_TLS_${missing}_FILE is needed beside it`);

/** Says until when the certificate is valid, if there is one. */
export function measureCertificate(files: CertificateFiles | undefined, registry: Registry): void {
  gaugesOf(registry)(
    'telemetry_tls_certificate_expires_seconds',
    'Until when, as a Unix time, the certificate for TLS is valid; +Inf without TLS.',
    () => (files?.current.expiresAt.getTime() ?? Number.POSITIVE_INFINITY) / secondMs,
    'min',
  );
}

/**
 * The certificate in use. Its files are read again all the time: what their names lead to can be
 * swapped without a trace in the directories that they are in, as Kubernetes does it.
 */
export class CertificateFiles {
  readonly #options: TlsOptions;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #current: Certificate;
  /** Of what was looked at last, or why it could not be read. */
  #seen: string;
  /** Why what is there now is not taken. */
  #problem: string | undefined;
  #isClosed = false;
  #onChange: (certificate: Certificate) => void = () => {};

  constructor(options: TlsOptions, first: Certificate, health: Health, logger: Logger) {
    this.#options = options;
    this.#current = first;
    this.#seen = first.digest;
    this.#health = health;
    this.#logger = logger;
    this.#report();
    this.#timer = setTimeout(() => this.reload(), secondMs).unref();
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Whoever uses it is told when there is another one. */
  onChange(use: (certificate: Certificate) => void): void {
    this.#onChange = use;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    try {
      const files = await readFiles(this.#options);
      if (this.#isNew(digestOf(files))) this.#use(checkFiles(files, this.#options));
    } catch (error) {
      const problem = errorMessage(error);
      // A mistake of its own is looked at once; what can't be read has none.
      if (this.#problem !== problem) {
        this.#logger.warn(`${problem}; the certificate from before stays in use`);
      }
      this.#seen = problem;
      this.#problem = problem;
    }
    if (this.#isClosed) return;
    this.#report();
    this.#timer.refresh();
  }

  #isNew(digest: string): boolean {
    const isNew = this.#seen !== digest;
    this.#seen = digest;
    return isNew;
  }

  #use(certificate: Certificate): void {
    this.#problem = undefined;
    if (certificate.digest === this.#current.digest) return;
    this.#current = certificate;
    this.#onChange(certificate);
    this.#logger.info({ expires_at: certificate.expiresAt }, 'the certificate for TLS is another');
  }

  #report(): void {
    this.#health.report('certificate', this.#told ?? this.#age(), false);
  }

  /** The problem, for everybody: in which directories the files are is for the log. */
  get #told(): string | undefined {
    const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = this.#options;
    return [tlsCertFile, tlsKeyFile, tlsClientCaFile]
      .filter((path) => path !== '')
      .reduce((text, path) => text?.replaceAll(path, basename(path)), this.#problem);
  }

  #age(): string | undefined {
    const { expiresAt, renewBy } = this.#current;
    const now = Date.now();
    if (now >= expiresAt.getTime()) return `it expired on ${expiresAt.toISOString()}`;
    if (now >= renewBy.getTime()) return `it expires on ${expiresAt.toISOString()}`;
    return undefined;
  }
}
