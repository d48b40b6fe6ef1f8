import { Spool, type SpoolOptions } from '../../src/buffer/spool/spool.ts';
import { mebibyte } from '../../src/units.ts';
import { silentLogger } from './logger.ts';

/** A spool that nothing limits, unless it is said. */
export const openSpool = (directory: string, limits: Partial<SpoolOptions> = {}): Promise<Spool> =>
  Spool.open({
    directory,
    bytesMax: 64 * mebibyte,
    diskReserveBytes: 0,
    logger: silentLogger,
    ...limits,
  });
