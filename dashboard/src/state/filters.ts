import type { JsonObject } from '@bufbuild/protobuf';
import { param } from './address.ts';

/** Which events Explore and Live tail show, as the address has it. */
export interface EventFilters {
  readonly type: string;
  readonly component: string;
  readonly status: string;
  readonly metadata: string;
}

export const eventFilters = (): EventFilters => ({
  type: param('type'),
  component: param('component'),
  status: param('status'),
  metadata: param('metadata'),
});

/** An object of JSON; what is wrong with it otherwise. */
export function readMetadata(text: string): JsonObject | string | undefined {
  if (text.trim() === '') return undefined;
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? value : 'It has to be an object, such as {"gpu_id": 0}.';
  } catch {
    return 'It has to be JSON, such as {"gpu_id": 0}.';
  }
}

/** Stands for records that have none, which a text of the address can't. */
export const none = '(none)';

const oneOf = (value: string) => (value === '' ? [] : [value === none ? '' : value]);

/** As questions have it; what is no JSON filters nothing. */
export function filterOf({ type, component, status, metadata }: EventFilters) {
  const read = readMetadata(metadata);
  return {
    eventTypes: oneOf(type),
    components: oneOf(component),
    statuses: oneOf(status),
    ...(typeof read === 'object' && { metadata: read }),
  };
}
