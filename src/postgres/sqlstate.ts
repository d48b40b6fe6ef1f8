import pg from 'pg';
import { ServiceError, toldMessage } from '../errors.ts';

/**
 * What a failure of PostgreSQL means. Only data exceptions (class 22) and integrity constraint
 * violations (class 23) are the data's fault and stay; anything else, a missing table and a
 * refused login included, is an outage that somebody mends. What no database says, but our own
 * code, comes back as it is.
 */
export function classifyDatabaseError(error: unknown): Error {
  if (error instanceof ServiceError || isOurs(error)) return error;
  const sqlState = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  const dataFault =
    (sqlState.startsWith('22') || sqlState.startsWith('23')) && !lacksPartition(error);
  const message = `database: ${toldByDatabase(error)}`;
  return new ServiceError(dataFault ? 'permanent' : 'retryable', message, { cause: error });
}

/** What a failure is called before everybody: without hosts, paths, users and names of databases. */
export function toldByDatabase(error: unknown): string {
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map(toldByDatabase))].join('; ');
  }
  if (!(error instanceof pg.DatabaseError)) return toldMessage(error);
  const sqlState = error.code ?? '';
  const troubled = Object.entries(serverTroubles).find(([code]) => sqlState.startsWith(code))?.[1];
  const isOfServer =
    error.severity === 'FATAL' || namesPlaces.some((code) => sqlState.startsWith(code));
  const message = isOfServer && !isRaised(error) ? (troubled ?? 'no connection') : error.message;
  return `${message} (SQLSTATE ${sqlState})`;
}

/** Of other servers, resources, the system, the configuration and damage. */
const namesPlaces = ['080', '53', '58', 'F0', 'XX001', 'XX002'];

/** What a class says, in place of a text with hosts, users, databases or files in it. */
const serverTroubles: Readonly<Record<string, string>> = {
  '080': 'it does not reach another server',
  '28': 'the login is refused',
  '3D': 'there is no such database',
  '53': 'it lacks room, memory or connections',
  '57': 'it is being started, stopped or mended',
  '58': 'its system fails',
  F0: 'its configuration is wrong',
  XX: 'its data are damaged',
};

/** Whether PostgreSQL took a look at what it was given and did not take it. */
export function isDataFault(error: unknown): boolean {
  const classified = classifyDatabaseError(error);
  return classified instanceof ServiceError && classified.kind === 'permanent';
}

/** Somebody has taken the default partition away: it has the SQLSTATE of a CHECK, but is mended. */
function lacksPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.routine === 'ExecFindPartition';
}

/**
 * Whether a statement failed because of its data, or in a way that may be their fault after all:
 * an index or a trigger that can't cope with a row, say. Not where the state of the server, of the
 * session or of other transactions is to blame. The connection is as good as before. Citus says
 * XX000 for a duplicate key inside COPY.
 */
export function mayBeDataFault(error: unknown): boolean {
  if (isDataFault(error)) return true;
  const root = refusalOf(error);
  if (!root) return false;
  if (isRaised(root) || ofData.has(root.code ?? '')) return true;
  return !circumstances.has(root.code?.slice(0, 2) ?? '');
}

/**
 * The same of what fails again and again, while other data are taken: then even a circumstance,
 * a timeout for one, may be brought about by the data alone.
 */
export const mayBeDataFaultAfterAll = (error: unknown): boolean =>
  isDataFault(error) || refusalOf(error) !== undefined;

/** Whether there may be room for other data, and not for these. */
export function isLackOfResources(error: unknown): boolean {
  const root = refusalOf(error);
  return root?.code?.startsWith('53') === true && !isRaised(root);
}

/** What the server says of a statement, and lives on. */
function refusalOf(error: unknown): pg.DatabaseError | undefined {
  const root = error instanceof ServiceError ? error.cause : error;
  if (!(root instanceof pg.DatabaseError) || root.severity === 'FATAL') return undefined;
  return lacksPartition(root) ? undefined : root;
}

/** Somebody's own function says it of what it was given, whatever SQLSTATE it has chosen. */
const isRaised = ({ routine }: pg.DatabaseError): boolean => routine === 'exec_stmt_raise';

/**
 * Connections, transactions, logins, missing databases, resources, locks, operators, the system:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const circumstances = new Set(['08', '25', '28', '2D', '3D', '40', '53', '55', '57', '58', '72']);

/**
 * Codes of these classes that a single row may bring about: malformed COPY data is called a
 * violation of the protocol, and functions say of a value that something is not in the right state,
 * or that it is more than is configured.
 */
const ofData = new Set(['08P01', '55000', '53400']);

/** A mistake of ours: no library or server means these by what happens to a database. */
function isOurs(error: unknown): error is Error {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError
  );
}
