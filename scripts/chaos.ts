import { Console } from 'node:console';
import { parseArgs } from 'node:util';
import { tortureCluster } from '../test/chaos/cluster/torture-cluster.ts';
import { type Control, controls } from '../test/chaos/controls.ts';
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
    /** Of the collector. */
    processes: { type: 'string', default: '1' },
    /** Only this kind, as often as it is given. */
    kind: { type: 'string', multiple: true },
    /** Breaks a promise on purpose: the run is to fail. */
    control: { type: 'string' },
    /** A Citus cluster is tortured, of this folder's programs, with faults of its own. */
    citus: { type: 'string' },
    /** Nothing befalls it: a worker is added, and one replaced. */
    rehearse: { type: 'boolean', default: false },
    /** Nothing befalls it: it is upgraded to the programs of this folder. */
    upgrade: { type: 'string' },
  },
});
if (values.control !== undefined && !controls.includes(values.control as Control)) {
  console.error(`--control expects one of: ${controls.join(', ')}`);
  process.exit(2);
}
const plan = {
  seed: Number(values.seed),
  faults: Number(values.faults),
  processes: Number(values.processes),
  secondsMax: Number(values['seconds-max']),
  onFault: (number: number, kind: string) =>
    console.error(`${(performance.now() / 1000).toFixed(1)} s, ${number}: ${kind}`),
};
const report = values.citus
  ? await tortureCluster({
      ...plan,
      binaries: values.citus,
      rehearsal: values.rehearse,
      ...(values.upgrade && { upgradedTo: values.upgrade }),
    })
  : await torture({
      ...plan,
      ...(values.kind && { kinds: values.kind }),
      ...(values.control && { control: values.control as Control }),
    });
new Console(process.stderr).table(report.faults);
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.violations.length === 0 ? 0 : 1);
