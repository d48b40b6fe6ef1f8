// Logs through pino set up as SHAPE says, what applications log and what none should.
import pino from 'pino';

const { SHAPE = '{}', TIME, LABELS, PIPELINE } = process.env;
const shape = JSON.parse(SHAPE);
const options = { eventType: 'ODD', nestedKey: shape.nestedKey };
const target = { target: 'gravitas-telemetry-client/pino', options };
const transport = pino.transport(PIPELINE ? { pipeline: [target] } : target);
const formatters = LABELS ? { level: (label) => ({ level: label }) } : {};
const timestamp = TIME ? pino.stdTimeFunctions[TIME] : undefined;
const logger = pino({ name: 'odd', ...shape, formatters, timestamp }, transport);

const circular = { name: 'c' };
circular.self = circular;
logger.info({ value: 1.5, own: 'kept' }, 'fine');
logger.info({ circular, date: new Date(0), error: new Error('e'), undef: undefined }, 'odd');
logger.info({ level: {}, time: 'x', name: 5, msg: null, text: {}, pid: [], value: 'v' });
logger.info({ toJSON: () => null });
logger.info(new Error('as told'));
logger.info(
  { deep: JSON.parse('['.repeat(500) + ']'.repeat(500)), long: 'x'.repeat(200_000) },
  'deep',
);
for (const line of [
  'null',
  '5',
  '"text"',
  '[]',
  '[1]',
  'no JSON',
  '{"msg":null}',
  '{"msg":{}}',
  '',
]) {
  transport.write(`${line}\n`);
}
logger.error('last');
