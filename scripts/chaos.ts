import { parseArgs } from 'node:util';
import { torture } from '../test/chaos/torture.ts';

/**
 * Tortures a collector with faults that a seed decides, and prints what became of what its clients
 * sent. Exits with 1 when a promise was broken. See docs/reliability.md.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '60' },
    'seconds-max': { type: 'string', default: '3600' },
    /** Only this kind, as often as it is given. */
    kind: { type: 'string', multiple: true },
  },
});
const report = await torture({
  seed: Number(values.seed),
  faults: Number(values.faults),
  secondsMax: Number(values['seconds-max']),
  ...(values.kind && { kinds: values.kind }),
  onFault: (number, kind) => console.error(`${number}: ${kind}`),
});
console.table(report.faults);
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.violations.length === 0 ? 0 : 1);
