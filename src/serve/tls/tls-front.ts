import type net from 'node:net';
import tls from 'node:tls';
import type { Logger } from '../../observe/logger.ts';
import type { CertificateFiles } from './certificate-files.ts';

export interface TlsFrontOptions {
  readonly certificate: CertificateFiles;
  /** Of clients without a certificate, where there are authorities for them; a wrong one never passes. */
  readonly clientAuth: 'require' | 'optional';
  readonly handshakeMsMax: number;
  readonly onFailed: () => void;
  readonly onSecure: (socket: tls.TLSSocket) => void;
}

/** What every connection with TLS begins with: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
export const handshakeByte = 0x16;

/** Makes of sockets on which a handshake begins sockets that carry what is in it. */
export class TlsFront {
  readonly #server: tls.Server;

  constructor(options: TlsFrontOptions, logger: Logger) {
    const { certificate, clientAuth, handshakeMsMax, onFailed, onSecure } = options;
    const { context } = certificate.current;
    const isMutual = context.ca !== undefined;
    this.#server = tls.createServer({
      ...context,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: handshakeMsMax,
      requestCert: isMutual,
      rejectUnauthorized: isMutual && clientAuth === 'require',
    });
    certificate.onChange((next) => this.#server.setSecureContext(next.context));
    this.#server.on('tlsClientError', (error, socket) => {
      logger.debug({ err: error }, 'TLS handshake');
      onFailed();
      socket.destroy();
    });
    this.#server.on('secureConnection', (socket) => {
      if (isMutual && !socket.authorized && hasCertificate(socket)) {
        logger.debug({ err: socket.authorizationError }, 'certificate of a client');
        onFailed();
        socket.destroy();
      } else onSecure(socket);
    });
  }

  /** Takes a socket, with what was read of it already put back. */
  accept(socket: net.Socket): void {
    this.#server.emit('connection', socket);
  }
}

const hasCertificate = (socket: tls.TLSSocket): boolean =>
  Object.keys(socket.getPeerCertificate()).length > 0;
