import { base64Decode } from '@bufbuild/protobuf/wire';
import { ServiceError } from '../errors.ts';
import { contentCoding } from './compression.ts';
import { RequestError } from './request-error.ts';

const encodings = ['json', 'proto'];

/**
 * The address of a call by GET, whose message is in its query, with the name of its coding in the
 * form that is compared. Throws for what the library would call a fault of ours.
 * https://connectrpc.com/docs/protocol#unary-get-request
 */
export function readGetQuery(address: string): string {
  const url = new URL(address);
  const { searchParams } = url;
  if (!encodings.includes(searchParams.get('encoding') ?? '')) throw unknownEncoding();
  if (searchParams.get('base64') === '1') checkBase64(searchParams.get('message') ?? '');
  const compression = searchParams.get('compression');
  if (compression !== null) {
    searchParams.set('compression', contentCoding(compression, 'compression', 'accept-encoding'));
  }
  return url.href;
}

const unknownEncoding = () =>
  new RequestError('invalid', 'content_type', `encoding must be ${encodings.join(' or ')}`, {
    status: 415,
    field: 'encoding',
  });

function checkBase64(message: string): void {
  try {
    base64Decode(message);
  } catch {
    throw new ServiceError('invalid', 'message is not base64', { field: 'message' });
  }
}
