import { expect, it } from 'vitest';
import { controls } from './controls.ts';
import { faults } from './faults.ts';
import { torture } from './torture.ts';

/** Faults of every part; docs/reliability.md says how to have all of them, for hours. */
const kinds = [
  'collector killed',
  'collector killed, spool damaged',
  'PostgreSQL killed',
  'PostgreSQL restarted',
  'settings against us',
  'may not write',
  'too many connections',
  'network half-closed',
  'commit cut',
  'spool full',
  'spool writes fail',
  'disk full',
  'clock beyond the ledger for one start',
  'segment unreadable',
  'tables of an older shape',
  'rows refused',
  'network swallows everything',
  'pooler comes, is killed or goes',
  'another installation beside',
].filter((kind) => kind in faults);

it('keeps what it acknowledged, once, through a fault of each', async () => {
  const report = await torture({ seed: 1, faults: kinds.length, secondsMax: 30, kinds });
  expect(report).toMatchObject({ violations: [], lost: 0, doubled: 0, unwanted: 0, divided: 0 });
  expect(report.duplicates).toBeGreaterThan(0);
}, 120_000);

it.each(controls)(
  'finds out about a collector that is broken on purpose: %s',
  async (control) => {
    const kinds = ['collector killed', 'commit cut', 'clients dropped'];
    const report = await torture({ seed: 1, faults: 5, secondsMax: 6, kinds, control });
    expect(report.lost + report.doubled).toBeGreaterThan(0);
  },
  60_000,
);
