import type { Registry } from 'prom-client';
import type { Config } from './config.ts';
import type { Logger } from './observe/logger.ts';
import { Admission } from './serve/admission.ts';
import { CallLimits } from './serve/call-limits.ts';
import type { Callers } from './serve/caller.ts';
import type { OnRefused } from './serve/refusals.ts';
import { countRequests, measureDoor } from './serve/request-metrics.ts';
import type { Route } from './serve/route.ts';
import { Router } from './serve/router.ts';
import { type RequestListener, SocketServer } from './serve/socket-server.ts';
import type { CertificateFiles } from './serve/tls/certificate-files.ts';
import type { Tell } from './serve/told-error.ts';
import { UnreadAnswers } from './serve/unread-answers.ts';
import { answerUnreadable } from './serve/unreadable.ts';

/** What the door has to know of the house. */
export interface DoorParts {
  readonly config: Config;
  readonly routes: readonly Route[];
  readonly callers: Callers;
  /** Without, there is no TLS. */
  readonly certificate: CertificateFiles | undefined;
  readonly tell: Tell;
  readonly onRefused: OnRefused;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** The server of the one port, and the limits on calls that its gate keeps. */
export interface Door {
  readonly server: SocketServer;
  readonly limits: CallLimits;
}

export function createDoor(parts: DoorParts): Door {
  const { config, routes, callers, certificate, tell, onRefused, registry, logger } = parts;
  // A stream must not hold its client to a connection that is to be made anew.
  const streamMsMax = Math.min(config.streamMsMax, config.connectionMsMax || config.streamMsMax);
  const limits = new CallLimits({ ...config, streamMsMax });
  const onAnswered = countRequests(registry);
  const admission = new Admission(limits, callers);
  const router = new Router(routes, admission, tell, config.corsOrigins, onAnswered);
  const options = {
    ...config,
    peekMsMax: config.headerMsMax,
    streamsPerConnectionMax: config.connectionCallsMax,
    onRefused,
    answerPlain: router.answerPlain,
    beginGrpc: router.beginGrpc,
    onUnreadable: answerUnreadable(tell),
    ...(certificate && {
      tls: { certificate, clientAuth: config.tlsClientAuth },
      ...(config.tlsPlainText === 'refuse' && { onPlainText: router.plainTextListener }),
    }),
  };
  const unread = new UnreadAnswers(config);
  const listener: RequestListener = (request, response) => {
    unread.watch(request, response);
    router.listener(request, response);
  };
  const server = new SocketServer(options, listener, logger);
  measureDoor(server, limits, registry);
  return { server, limits };
}
