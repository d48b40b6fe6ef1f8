import { parseArgs } from 'node:util';
import { fuzz } from './fuzz/run.ts';

/**
 * Damaged requests of every protocol against a collector on its embedded PostgreSQL; the same seed
 * sends the same inputs. Prints what came of them as JSON, and exits with 1 where a rule is broken.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    inputs: { type: 'string', default: '100000' },
  },
});
const report = await fuzz(Number(values.seed), Number(values.inputs));
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.violations.length === 0 ? 0 : 1);
