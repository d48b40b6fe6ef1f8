import { readFileSync } from 'node:fs';
import { errorMessage, ServiceError, StartError } from '../errors.ts';
import { fingerprintOf } from '../serve/peer-certificate.ts';
import { checkName, digestOf, invalid, type Key, type KeyLimits } from './key.ts';
import { checkLimits, checkScopes, readExpiry } from './key-checks.ts';

const secretCharactersMin = 20;
const secretPattern = /^[\x21-\x2b\x2d-\x7e]+$/;
const hashPattern = /^sha256=([0-9a-f]{64})$/i;
const numbers: Readonly<Record<string, keyof KeyLimits>> = {
  records_per_second: 'recordsPerSecond',
  bytes_per_second: 'bytesPerSecond',
  buffer_share: 'bufferShare',
  query_share: 'queryShare',
};

/**
 * Keys as files and variables of containers have them, one a line or between semicolons:
 * `name scopes secret [option=value …]`. Throws a `StartError` that names the place and the line,
 * never the secret.
 */
export function parseKeys(text: string, source: Key['source'], place: string): Key[] {
  const lines = text.split(/[\n;]/).map((line) => line.trim());
  const digests = new Set<string>();
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    try {
      const key = parseKey(line, source);
      if (digests.has(key.digest)) throw invalid('secret', 'is that of another key');
      digests.add(key.digest);
      return [key];
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StartError(`${place}: key ${index + 1}: ${error.message}`);
    }
  });
}

/** The same of a file. */
export function readKeyFile(file: string): Key[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartError(`TELEMETRY_API_KEYS_FILE: ${errorMessage(cause)}`, { cause });
  }
  return parseKeys(text, 'file', `TELEMETRY_API_KEYS_FILE: ${file}`);
}

function parseKey(line: string, source: Key['source']): Key {
  const [name = '', scopes = '', secret = '', ...options] = line.split(/\s+/);
  checkName(name);
  const digest = digestOfSecret(secret);
  let [expiresAt, certificate]: [Date?, string?] = [];
  const limits: Record<string, number> = {};
  for (const option of options) {
    const at = option.indexOf('=');
    const [key, value] = [option.slice(0, Math.max(at, 0)), option.slice(at + 1)];
    if (key === 'expires') expiresAt = readExpiry(value);
    else if (key === 'certificate') certificate = checkCertificate(value);
    else if (Object.hasOwn(numbers, key)) limits[numbers[key] as string] = Number(value);
    else throw invalid('options', `have ${JSON.stringify(key || '…')}, which is none`);
  }
  return {
    id: `${source}-${Buffer.from(digest, 'base64').toString('hex').slice(0, 12)}`,
    name,
    digest,
    scopes: checkScopes(scopes.split(',')),
    source,
    expiresAt,
    certificate,
    limits: checkLimits(limits),
  };
}

function digestOfSecret(secret: string): string {
  const hashed = hashPattern.exec(secret)?.[1];
  if (hashed !== undefined) return Buffer.from(hashed, 'hex').toString('base64');
  if (secret.length >= secretCharactersMin && secretPattern.test(secret)) return digestOf(secret);
  throw invalid(
    'secret',
    `expects at least ${secretCharactersMin} printable characters without blanks and commas, or sha256= and its hash in hex`,
  );
}

/** A fingerprint however it is written, or a subject as it is. */
export function checkCertificate(text: string): string | undefined {
  if (text === '') return undefined;
  if (text.length > 512 || /[^\x20-\x7e]/.test(text)) {
    throw invalid('certificate', 'expects a subject or a SHA-256 fingerprint');
  }
  return /^([0-9a-f]{2}:?){32}$/i.test(text) ? fingerprintOf(text) : text;
}
