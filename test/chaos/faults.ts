import type { Fault } from './fault.ts';
import { collectorFaults } from './faults/collector.ts';
import { companyFaults } from './faults/company.ts';
import { networkFaults } from './faults/network.ts';
import { postgresFaults } from './faults/postgres.ts';
import { processFaults } from './faults/processes.ts';
import { spoolFaults } from './faults/spool.ts';
import { tableFaults } from './faults/tables.ts';

/** Every kind of fault there is. */
export const faults: Readonly<Record<string, Fault>> = {
  ...collectorFaults,
  ...processFaults,
  ...spoolFaults,
  ...postgresFaults,
  ...tableFaults,
  ...networkFaults,
  ...companyFaults,
};
