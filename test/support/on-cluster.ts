import { inject } from 'vitest';

/**
 * Whether rows lie on the workers of a cluster, in `make test-citus`: what such a database refuses,
 * or says otherwise, is tested in test/citus.
 */
export const onCluster = inject('citus') !== undefined;
