import pg from 'pg';
import { expect, it } from 'vitest';
import { toldByDatabase } from '../../src/postgres/sqlstate.ts';

/** As the driver gives what a server has said of a statement. */
function said(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), {
    code,
    severity: 'ERROR',
  });
}

it('says nothing of other servers that a server can not reach, and all of malformed data', () => {
  const ofWorker =
    'connection to the remote node app@10.0.0.7:5432 failed with the following error: Connection refused';
  expect(toldByDatabase(said('08006', ofWorker))).toBe(
    'it does not reach another server (SQLSTATE 08006)',
  );
  const ofData = 'insufficient data left in message';
  expect(toldByDatabase(said('08P01', ofData))).toBe(`${ofData} (SQLSTATE 08P01)`);
});
