import { kyselyServices } from '../peers/kysely-service.ts';
import { openRfcServices, rfcInstalled } from '../peers/rfc-service.ts';
import { openRsyslog, rsyslogInstalled } from '../peers/rsyslog.ts';
import type { Case, Lineup } from '../support/bench.ts';

/** What a user would do instead, into the same tables. */
export const otherwise: Case = {
  name: 'otherwise',
  title: 'What a user would do instead',
  open: async (bench) => {
    const lineups: Lineup[] = [];
    const missing: { name: string; reason: string }[] = [];
    if (rfcInstalled()) {
      lineups.push(await openRfcServices(bench));
    } else {
      missing.push({ name: 'RFC’s own design', reason: 'not installed: `make bench` does so' });
    }
    lineups.push({ contestants: kyselyServices(bench) });
    if (rsyslogInstalled()) {
      lineups.push(await openRsyslog(bench));
    } else {
      const reason = 'not installed: `apt-get install rsyslog rsyslog-pgsql`';
      missing.push({ name: 'rsyslog with ompgsql', reason });
    }
    return {
      contestants: lineups.flatMap(({ contestants }) => contestants),
      missing,
      tables: lineups.flatMap(({ tables = [] }) => tables),
      close: async () => {
        for (const lineup of lineups) await lineup.close?.();
      },
    };
  },
};
