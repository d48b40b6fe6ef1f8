import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Credentials } from './caller.ts';

/**
 * What a key may know the certificate of a client by: its fingerprint (SHA-256, in hex), and its
 * subject, as `CN=app,O=Gravitas`. Nothing where there is none that an authority of ours vouches for.
 */
export function certificateNames({ socket }: Credentials): readonly string[] {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>;
  if (!authorized || !getPeerCertificate) return [];
  const { fingerprint256, subject } = (socket as TLSSocket).getPeerCertificate();
  return fingerprint256 ? [fingerprintOf(fingerprint256), subjectOf(subject)] : [];
}

export const fingerprintOf = (text: string): string => text.replaceAll(':', '').toLowerCase();

const subjectOf = (subject: PeerCertificate['subject']): string =>
  Object.entries(subject)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${escaped(value)}`))
    .toReversed()
    .join(',');

/** No part of a name passes for several: https://www.rfc-editor.org/rfc/rfc4514#section-2.4 */
const escaped = (value = ''): string => value.replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&');
