import { setTimeout as sleep } from 'node:timers/promises';
import { Writer } from '../../../src/commit/writer.ts';

/** Loaded into a collector before its own code: it says that groups are stored before they are. */
const lateMs = 400;
const copy = Writer.prototype.copy;

Writer.prototype.copy = async function (loads, condition) {
  sleep(lateMs)
    .then(() => copy.call(this, loads, condition))
    .catch(() => {});
};
