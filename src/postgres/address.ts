import type { Settings } from './settings.ts';

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

/** Where PostgreSQL is, and as whom, as a URL of libpq says. What is absent, node-postgres knows. */
export interface DatabaseAddress {
  /** In the order in which they are tried; a path is the directory of a Unix socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly sslMode: SslMode;
  /** Files, by the names that libpq gives them. */
  readonly files: Readonly<Partial<Record<(typeof fileNames)[number], string>>>;
  readonly sslPassword?: string;
  readonly directTls: boolean;
  /** Whether only a server that can be written to will do. */
  readonly writable: boolean;
  readonly settings: Settings;
}

export const defaultPort = 5432;
const fileNames = ['sslrootcert', 'sslcert', 'sslkey', 'sslcrl'] as const;

/** Of libpq: those that mean something to us … */
const understood = [
  ...['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'ssl', 'sslpassword'],
  ...['sslnegotiation', 'target_session_attrs', 'options', ...fileNames],
];
/** … and those that we decide ourselves, or that mean nothing here. */
const ignored = [
  ...['application_name', 'fallback_application_name', 'client_encoding', 'connect_timeout'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
  ...['tcp_user_timeout', 'gssencmode', 'channel_binding', 'load_balance_hosts'],
  // By which node-postgres is told to do what is done here anyway.
  'uselibpqcompat',
];

const encodings =
  'in names and passwords write / as %2F, ? as %3F, # as %23, @ as %40, : as %3A and % as %25';

/**
 * Reads a URL as libpq does: https://www.postgresql.org/docs/current/libpq-connect.html. Throws an
 * `Error` that says what is wrong with it, and shows nothing of what may be a password.
 */
export function parseAddress(url: string): DatabaseAddress {
  // What goes before the first slash or question mark says who and where.
  const found = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (!found) throw new Error(`can't be read: ${encodings}`);
  const [, authority = '', path = '', query = ''] = found;
  if (/[@/]/.test(path) || (query.includes('@') && !authority.includes('@')))
    throw new Error(`has more than a name of a database behind its host: ${encodings}`);
  const at = authority.lastIndexOf('@');
  const [user = '', ...password] = authority.slice(0, Math.max(0, at)).split(':');
  const parameters = readParameters(query);
  return {
    hosts: readHosts(authority.slice(at + 1), parameters),
    ...given('user', parameters.get('user') ?? decode(user)),
    ...given('password', parameters.get('password') ?? decode(password.join(':'))),
    ...given('database', parameters.get('dbname') ?? decode(path)),
    sslMode: sslModeOf(parameters),
    files: Object.fromEntries(
      fileNames.flatMap((name) => (parameters.get(name) ? [[name, parameters.get(name)]] : [])),
    ),
    ...given('sslPassword', parameters.get('sslpassword') ?? ''),
    directTls: parameters.get('sslnegotiation') === 'direct',
    writable: isWritable(parameters.get('target_session_attrs') ?? 'any'),
    settings: readOptions(parameters.get('options') ?? ''),
  };
}

function given<Name extends string>(name: Name, value: string): { [Key in Name]?: string } {
  return value === '' ? {} : ({ [name]: value } as { [Key in Name]?: string });
}

function readParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&').filter(Boolean)) {
    const [name = '', value] = part.split(/=(.*)/s);
    if (value === undefined) throw new Error(`has a parameter without a value: ${encodings}`);
    if (!understood.includes(name) && !ignored.includes(name)) {
      throw new Error(`has a parameter that PostgreSQL does not know: ${JSON.stringify(name)}`);
    }
    parameters.set(name, decode(value));
  }
  return parameters;
}

/** Several, separated by commas; what is a parameter goes before what is in the place of the host. */
function readHosts(text: string, parameters: Map<string, string>): DatabaseAddress['hosts'] {
  const named = text.split(',').map((part) => {
    const [, bracketed, bare = '', port = ''] =
      /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(part) ?? [];
    return { host: bracketed ?? decode(bare), port };
  });
  const hosts = parameters.get('host')?.split(',') ?? named.map(({ host }) => host);
  const ports = parameters.get('port')?.split(',') ?? named.map(({ port }) => port);
  if (ports.length > 1 && ports.length !== hosts.length) {
    throw new Error(`names ${hosts.length} hosts and ${ports.length} ports`);
  }
  return hosts.map((host, index) => ({
    host: host === '' ? 'localhost' : host,
    port: readPort(ports[index] ?? ports[0] ?? ''),
  }));
}

function readPort(text: string): number {
  if (text === '') return defaultPort;
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw new Error(`has something else than a port behind its host: ${encodings}`);
}

function sslModeOf(parameters: Map<string, string>): SslMode {
  const fallback = parameters.get('ssl') === 'true' ? 'require' : 'prefer';
  const mode = parameters.get('sslmode') ?? fallback;
  const known = sslModes.find((name) => name === mode);
  if (!known)
    throw new Error(
      `has an sslmode that PostgreSQL does not know: expects one of ${sslModes.join(', ')}`,
    );
  return known;
}

function isWritable(attributes: string): boolean {
  if (attributes === 'any') return false;
  if (['read-write', 'primary'].includes(attributes)) return true;
  throw new Error(
    'has target_session_attrs other than any, read-write or primary: the collector writes',
  );
}

/** `-c name=value`, of which a pooler would know nothing; blanks in values are written `\\ `. */
function readOptions(text: string): Settings {
  const words = text.match(/(?:\\.|[^\s\\])+/g) ?? [];
  const assignments = words
    .join(' ')
    .replaceAll(/(^| )(?:-c |--)/g, '\n')
    .split('\n')
    .slice(1);
  if (words.length > 0 && assignments.length === 0)
    throw new Error('has options other than -c name=value');
  return Object.fromEntries(
    assignments.map((assignment) => {
      const [, name, value] = /^([A-Za-z_][\w.]*)=(.*)$/s.exec(assignment.trim()) ?? [];
      if (!name) throw new Error('has options other than -c name=value');
      return [name, (value as string).replaceAll(/\\(.)/g, '$1')];
    }),
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(`has a % that begins no code: ${encodings}`);
  }
}
