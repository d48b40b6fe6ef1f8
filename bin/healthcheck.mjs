// Whether the collector of this environment is ready: what the image's health check runs. It has
// nothing of the collector's sources, which would take longer to load than to answer.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

/** What the collector of this container was started with: flags go before its environment. */
function flagsOfCollector() {
  const { HEALTHCHECK_PROC: proc = '/proc' } = process.env;
  try {
    // The first process of a container, or the child of one that only passes signals on.
    const children = readFileSync(`${proc}/1/task/1/children`, 'utf8').trim().split(/\s+/);
    for (const pid of ['1', ...children]) {
      const args = readFileSync(`${proc}/${pid}/cmdline`, 'utf8').split('\0');
      const main = args.findIndex((arg) => /\/(src\/main\.ts|dist\/main\.js|bundle\/[\d-]+\.cjs)$/.test(arg));
      if (main >= 0) return args.slice(main + 1);
    }
  } catch {
    // Not a container, or not Linux.
  }
  return [];
}

const flags = flagsOfCollector();
const option = (flag, variable) => {
  const joined = flags.find((each) => each.startsWith(`${flag}=`));
  const at = flags.indexOf(flag);
  return joined?.slice(flag.length + 1) ?? (at < 0 ? process.env[variable] : flags[at + 1]);
};
const host = option('--host', 'TELEMETRY_HOST') ?? '';
const port = option('--port', 'TELEMETRY_PORT') ?? '8002';
const certFile = option('--tls-cert-file', 'TELEMETRY_TLS_CERT_FILE') ?? '';
const keyFile = option('--tls-key-file', 'TELEMETRY_TLS_KEY_FILE') ?? '';
const passphraseFile = process.env.TELEMETRY_TLS_KEY_PASSWORD_FILE;
const passphrase =
  option('--tls-key-password', 'TELEMETRY_TLS_KEY_PASSWORD') ??
  (passphraseFile && readFileSync(passphraseFile, 'utf8').trimEnd());
const clientCaFile = option('--tls-client-ca-file', 'TELEMETRY_TLS_CLIENT_CA_FILE') ?? '';

// It asks itself: whom the certificate is for does not matter.
const secure = () => ({
  rejectUnauthorized: false,
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
  ...(passphrase && { passphrase }),
});
const isEverywhere = ['', '0.0.0.0', '::'].includes(host);
const options = {
  host: isEverywhere ? '127.0.0.1' : host,
  port,
  path: '/readyz',
  timeout: 2500,
  ...(certFile !== '' && secure()),
};
/** One that wants a certificate of another authority is there, and hangs up on us. */
const isTurnedAway = ({ code }) => clientCaFile !== '' && code === 'ECONNRESET';

(certFile === '' ? http : https)
  .get(options, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', (error) => process.exit(isTurnedAway(error) ? 0 : 1));
