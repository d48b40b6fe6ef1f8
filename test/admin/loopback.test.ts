import { expect, it } from 'vitest';
import { isForInternet, isLoopback } from '../../src/admin/loopback.ts';
import { certificateNames } from '../../src/serve/peer-certificate.ts';

it.each([
  ['localhost', true],
  ['telemetry.localhost', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['localhost.example.com', false],
])('%s is this machine alone: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

it.each([
  ['evil.example', true],
  ['evil.example:8002', true],
  ['evil.example.', true],
  ['localhost.evil.example', true],
  ['127.0.0.1.evil.example:80', true],
  ['localhost', false],
  ['localhost:8002', false],
  ['localhost.:8002', false],
  ['a.localhost', false],
  ['127.0.0.1:8002', false],
  ['[::1]:8002', false],
  ['gravitas_telemetry:8006', false],
  ['', false],
])('%j is a name of the internet: %s', (host, expected) => {
  expect(isForInternet({ host })).toBe(expected);
  expect(isForInternet({ ':authority': host })).toBe(expected);
});

it('no part of the name in a certificate passes for several', () => {
  const namesOf = (subject: object, authorized = true) => {
    const getPeerCertificate = () => ({ fingerprint256: 'AB:CD', subject });
    const socket = { authorized, getPeerCertificate };
    return certificateNames({ headers: {}, socket } as never);
  };
  expect(namesOf({ O: 'Gravitas', CN: 'app' })).toEqual(['abcd', 'CN=app,O=Gravitas']);
  expect(namesOf({ CN: 'app,O=Gravitas' })[1]).toBe('CN=app\\,O=Gravitas');
  expect(namesOf({ O: 'Gravitas', CN: ' a+b\\' })[1]).toBe('CN=\\ a\\+b\\\\,O=Gravitas');
  expect(namesOf({ OU: ['x', 'y'], CN: 'app' })[1]).toBe('CN=app,OU=y,OU=x');
  expect(namesOf({ CN: 'app' }, false)).toEqual([]);
});
