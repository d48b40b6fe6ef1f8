import { kyselyServices } from '../peers/kysely-service.ts';
import { openRfcService, rfcInstalled } from '../peers/rfc-service.ts';
import { openRsyslog, rsyslogInstalled } from '../peers/rsyslog.ts';
import type { Case, Contestant, Table } from '../support/bench.ts';

/** What a user would do instead, into the same tables. */
export const otherwise: Case = {
  name: 'otherwise',
  title: 'What a user would do instead',
  open: async (bench) => {
    const contestants: Contestant[] = [];
    const missing: { name: string; reason: string }[] = [];
    const tables: Table[] = [];
    const closing: (() => Promise<void>)[] = [];
    if (rfcInstalled()) {
      const { contestant, table, close } = await openRfcService(bench);
      contestants.push(contestant);
      tables.push(table);
      closing.push(close);
    } else {
      missing.push({ name: 'RFC’s own design', reason: 'not installed: `make bench` does so' });
    }
    contestants.push(...kyselyServices(bench));
    if (rsyslogInstalled()) {
      const { contestant, close } = await openRsyslog(bench);
      contestants.push(contestant);
      closing.push(close);
    } else {
      const reason = 'not installed: `apt-get install rsyslog rsyslog-pgsql`';
      missing.push({ name: 'rsyslog with ompgsql', reason });
    }
    return {
      contestants,
      missing,
      tables,
      close: async () => {
        for (const close of closing) await close();
      },
    };
  },
};
