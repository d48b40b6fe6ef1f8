import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import { errorMessage, StartError } from '../../errors.ts';

export interface TlsOptions {
  /** PEM: the server's certificate, and after it those between it and the authority. */
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  readonly tlsKeyPassword: string;
  /** PEM: who may vouch for clients; empty: clients are not asked. */
  readonly tlsClientCaFile: string;
  readonly tlsMinVersion: '1.2' | '1.3';
}

/** What the files hold, checked. */
export interface Certificate {
  /** The first end of a certificate of the chain. */
  readonly expiresAt: Date;
  /** From when on its renewal is late. */
  readonly renewBy: Date;
  readonly context: tls.SecureContextOptions;
  /** Of all that was read. */
  readonly digest: string;
}

/** Of the life of a certificate, and at the most: whoever renews by itself has done so before. */
const lateShare = 0.1;
const lateMsMax = 14 * 86_400 * 1000;

const certName = 'TELEMETRY_TLS_CERT_FILE';
const keyName = 'TELEMETRY_TLS_KEY_FILE';
const caName = 'TELEMETRY_TLS_CLIENT_CA_FILE';

/** What the files hold, as it is. */
export type Files = Readonly<Record<'cert' | 'key' | 'ca', string>>;

/** Throws a `StartError` that names the option. */
export async function readFiles(options: TlsOptions): Promise<Files> {
  const [cert, key, ca] = await Promise.all([
    readOption(certName, options.tlsCertFile),
    readOption(keyName, options.tlsKeyFile),
    options.tlsClientCaFile === '' ? '' : readOption(caName, options.tlsClientCaFile),
  ]);
  return { cert, key, ca };
}

export const digestOf = ({ cert, key, ca }: Files): string =>
  createHash('sha256')
    .update(JSON.stringify([cert, key, ca]))
    .digest('hex');

/** Throws a `StartError` that names the option at fault. */
export function checkFiles(files: Files, options: TlsOptions): Certificate {
  const chain = certificatesIn(files.cert, certName, options.tlsCertFile);
  const leaf = chain[0] as X509Certificate;
  if (!leaf.checkPrivateKey(privateKey(files.key, options))) {
    const text = `is not the key of the first certificate in ${options.tlsCertFile}`;
    throw new StartError(`${keyName}: ${options.tlsKeyFile} ${text}`);
  }
  for (const each of chain) checkTimes(each, options.tlsCertFile);
  if (files.ca !== '') certificatesIn(files.ca, caName, options.tlsClientCaFile);
  const context: tls.SecureContextOptions = {
    cert: files.cert,
    key: files.key,
    minVersion: `TLSv${options.tlsMinVersion}`,
    ...(options.tlsKeyPassword !== '' && { passphrase: options.tlsKeyPassword }),
    ...(files.ca !== '' && { ca: files.ca }),
  };
  attempt(`${certName}: ${options.tlsCertFile} can not be used`, () =>
    tls.createSecureContext(context),
  );
  const first = chain.toSorted((a, b) => ends(a) - ends(b))[0] as X509Certificate;
  const lateMs = Math.min(lateMsMax, lateShare * (ends(first) - Date.parse(first.validFrom)));
  return {
    expiresAt: new Date(ends(first)),
    renewBy: new Date(ends(first) - lateMs),
    context,
    digest: digestOf(files),
  };
}

const ends = ({ validTo }: X509Certificate): number => Date.parse(validTo);

async function readOption(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartError(`${name}: ${errorMessage(error)}`);
  }
}

const pemPattern = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

function certificatesIn(text: string, name: string, file: string): X509Certificate[] {
  const blocks = text.match(pemPattern) ?? [];
  if (blocks.length === 0) throw new StartError(`${name}: ${file} holds no certificate in PEM`);
  return blocks.map((pem) =>
    attempt(`${name}: ${file} holds a damaged certificate`, () => new X509Certificate(pem)),
  );
}

function privateKey(key: string, { tlsKeyFile, tlsKeyPassword }: TlsOptions): KeyObject {
  const secret = tlsKeyPassword === '' ? {} : { passphrase: tlsKeyPassword };
  const isLocked = /BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(key);
  if (isLocked && tlsKeyPassword === '') {
    throw new StartError(`${keyName}: ${tlsKeyFile} is encrypted: give TELEMETRY_TLS_KEY_PASSWORD`);
  }
  const what = isLocked
    ? 'can not be read with TELEMETRY_TLS_KEY_PASSWORD'
    : 'holds no private key in PEM';
  return attempt(`${keyName}: ${tlsKeyFile} ${what}`, () => createPrivateKey({ key, ...secret }));
}

function checkTimes(certificate: X509Certificate, file: string): void {
  const { validFrom, validTo } = certificate;
  const [now, name] = [Date.now(), subjectOf(certificate)];
  if (ends(certificate) <= now) {
    throw new StartError(`${certName}: the certificate ${name} in ${file} expired on ${validTo}`);
  }
  if (Date.parse(validFrom) > now) {
    const text = `in ${file} is not valid before ${validFrom}`;
    throw new StartError(`${certName}: the certificate ${name} ${text}`);
  }
}

/** On one line. */
const subjectOf = ({ subject }: X509Certificate): string => (subject ?? '').replaceAll('\n', ', ');

function attempt<T>(otherwise: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw new StartError(`${otherwise}: ${errorMessage(error)}`);
  }
}
