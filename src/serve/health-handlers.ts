import type { ConnectRouter } from '@connectrpc/connect';
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/typescript/grpc/health/v1/health_pb.js';
import { ServiceError } from '../errors.ts';
import type { Health, Readiness } from '../observe/health.ts';

const status = ({ ready }: Readiness) => ({
  status: ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING,
});

/** gRPC health checking: all services share one state. */
export function healthService(
  router: ConnectRouter,
  health: Health,
  services: readonly string[],
  shutdown: AbortSignal,
): void {
  const isKnown = (service: string) => service === '' || services.includes(service);
  router.service(HealthService, {
    check({ service }) {
      if (isKnown(service)) return status(health.readiness);
      throw new ServiceError('notFound', `unknown service ${service}`);
    },
    async *watch({ service }, { signal }) {
      if (!isKnown(service)) {
        yield { status: ServingStatus.SERVICE_UNKNOWN };
        return;
      }
      const until = AbortSignal.any([signal, shutdown]);
      for await (const readiness of health.watch(until)) yield status(readiness);
    },
  });
}
