import { type Headers, send } from '../serve/plain-answers.ts';
import { RequestError } from '../serve/request-error.ts';
import type { Route } from '../serve/route.ts';
import type { Request, Response } from '../serve/socket-server.ts';
import { type BuiltFile, type Coding, readBuiltFiles } from './built-files.ts';

/** The page may load and ask its own collector, and nobody else. */
const securityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const always: Headers = {
  'content-security-policy': securityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/**
 * The dashboard, at `/`: to everybody, since it holds no telemetry; what it shows it asks for with
 * the key of whoever looks. `directory`: what the build left.
 */
export function pageRoutes(directory: string): Route[] {
  const files = readBuiltFiles(directory);
  if (files.length === 0) return [notBuilt];
  return files.map((file) => ({
    ...pageRoute,
    path: file.path,
    serve: async (_call, request, response) => sendFile(file, request, response),
  }));
}

/** However busy the collector is: that is when one wants to look. */
const pageRoute = { methods: ['GET'], kind: 'operator', scope: 'none' } as const;

const notBuilt: Route = {
  ...pageRoute,
  path: '/',
  serve: async () => {
    const text = 'the dashboard is not built: npm run build:dashboard, and start again';
    throw new RequestError('invalid', 'not_found', text, { status: 404 });
  },
};

function sendFile(file: BuiltFile, request: Request, response: Response): void {
  const coding = codingFor(request, file);
  const headers = {
    ...always,
    'cache-control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: `"${file.etag}${coding ? `-${coding}` : ''}"`,
    vary: 'accept-encoding',
  };
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(headers.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const bytes = (coding && file.compressed.get(coding)) ?? file.bytes;
  const typed = { ...headers, 'content-type': file.mediaType };
  send(response, 200, coding ? { ...typed, 'content-encoding': coding } : typed, bytes);
}

/** The best that the browser takes, of those that the build made. */
function codingFor({ headers }: Request, { compressed }: BuiltFile): Coding | undefined {
  const taken = String(headers['accept-encoding'] ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => !/;\s*q=0(\.0*)?$/.test(each))
    .map((each) => each.split(';', 1)[0]);
  return [...compressed.keys()].find((coding) => taken.includes(coding));
}
