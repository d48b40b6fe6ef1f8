import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';

/** Clients of gRPC take messages of 4 MiB unless they are told otherwise; some of it is for the rest. */
const messageBytesMax = 3.5 * 1024 * 1024;
/** Of metadata as JSON: as protobuf it is some six times as much at the most. */
export const surelyWithin = messageBytesMax / 7;

/** How many of the records of a page, one at least, are a message that any client takes. */
export function countWithin<Desc extends DescMessage>(
  schema: Desc,
  records: readonly MessageShape<Desc>[],
  rows: readonly { readonly metadata: string | null }[],
): number {
  const length = rows.reduce((sum, { metadata }) => sum + (metadata?.length ?? 0), 0);
  if (length <= surelyWithin) return records.length;
  let bytes = 0;
  const beyond = records.findIndex((record) => {
    bytes += toBinary(schema, record).length;
    return bytes > messageBytesMax;
  });
  return beyond < 0 ? records.length : Math.max(1, beyond);
}
