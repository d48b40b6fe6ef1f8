import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface CurlAnswer {
  readonly httpVersion: string;
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** Runs curl, with `body` for `-d @-`; rejects when it exits with another code than 0. */
export async function curl(args: readonly string[], body?: unknown): Promise<CurlAnswer> {
  const format = '\n%{http_version}\n%{http_code}\n%{header_json}';
  const posting = ['-H', 'content-type: application/json', '-d', '@-'];
  const child = spawn('curl', ['-sS', '-w', format, ...(body ? posting : []), ...args]);
  child.stdin.end(body ? JSON.stringify(body) : undefined);
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (child.exitCode !== 0) throw new Error(`curl: exit ${child.exitCode}: ${errors}`);
  const [answer, httpVersion, status, ...headers] = output.split('\n');
  return {
    httpVersion: httpVersion as string,
    status: Number(status),
    body: answer ? JSON.parse(answer) : undefined,
    headers: JSON.parse(headers.join('\n')),
  };
}
