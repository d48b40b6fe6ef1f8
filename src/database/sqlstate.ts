import pg from 'pg';
import { errorMessage, ServiceError } from '../errors.ts';

/**
 * What a failure of PostgreSQL means. Only data exceptions (class 22) and integrity constraint
 * violations (class 23) are the data's fault and stay; anything else, a missing table and a
 * refused login included, is an outage that somebody mends.
 */
export function classifyDatabaseError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const sqlState = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  const dataFault = sqlState.startsWith('22') || sqlState.startsWith('23');
  const where = sqlState === '' ? '' : ` (SQLSTATE ${sqlState})`;
  const message = `database: ${errorMessage(error)}${where}`;
  if (dataFault) return new ServiceError('permanent', message, { cause: error });
  return new ServiceError('retryable', message, { cause: error });
}

/**
 * Whether PostgreSQL took a look at what it was given and did not take it: the connection is as good as
 * before. Citus says XX000 for a duplicate key inside COPY.
 */
export function isDataFault(error: unknown): boolean {
  if (error instanceof pg.DatabaseError && error.code === 'XX000') return true;
  return classifyDatabaseError(error).kind === 'permanent';
}
