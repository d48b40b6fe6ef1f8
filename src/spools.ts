import { LeftSpools } from './buffer/left-spools.ts';
import { furtherPlaces, spoolPlace } from './buffer/spool/places.ts';
import { Spool } from './buffer/spool/spool.ts';
import type { Config } from './config.ts';
import type { Spools } from './ingest-path.ts';
import type { Logger } from './observe/logger.ts';

/** The spool of one process; the first one sees to those that others have left. */
export async function openSpools(
  { dataDirectory, processes, spoolBytesMax, diskReserveBytes }: Config,
  number: number,
  lockWaitMsMax: number,
  logger: Logger,
): Promise<Spools> {
  const further = number === 1 ? furtherPlaces(spoolPlace(dataDirectory, 1), processes) : [];
  const directory = spoolPlace(dataDirectory, number);
  const left = new LeftSpools(further, logger);
  const spool = await Spool.open({
    directory,
    bytesMax: spoolBytesMax,
    bytesElsewhere: () => left.bytes,
    diskReserveBytes,
    lockWaitMsMax,
    logger,
  });
  return { spool, left, directories: [directory, ...further] };
}
