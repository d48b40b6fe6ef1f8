// Whether the collector of this environment is ready: what the image's health check runs. It has
// nothing of the collector's sources, which would take longer to load than to answer.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const {
  TELEMETRY_HOST: host = '',
  TELEMETRY_PORT: port = '8002',
  TELEMETRY_TLS_CERT_FILE: certFile = '',
  TELEMETRY_TLS_KEY_FILE: keyFile = '',
  TELEMETRY_TLS_KEY_PASSWORD: passphrase,
  TELEMETRY_TLS_CLIENT_CA_FILE: clientCaFile = '',
} = process.env;

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
