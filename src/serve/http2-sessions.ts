import http2 from 'node:http2';

/** How long a session may take to say that it ends, and to be heard. */
const partingMsMax = 500;
/** How long a call that is answered may go on sending before it is reset. */
const leftoverMsMax = 1000;

export interface SessionTimes {
  /** A session without a call is ended after so long, whatever else it sends. */
  readonly idleMsMax: number;
  /** When a session that begins now is told to go, in milliseconds from now. */
  ageMsMax(): number;
}

/** The HTTP/2 sessions of a server, none of which ends without a GOAWAY. */
export class Http2Sessions {
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  readonly #times: SessionTimes;

  constructor(server: http2.Http2Server, times: SessionTimes) {
    this.#times = times;
    server.on('session', (session) => this.#add(session));
  }

  /** Tells every client to go; each session ends with the calls that are under way on it. */
  leave(): void {
    for (const session of this.#sessions) sendAway(session);
  }

  /** Resolves when all are gone, or have had time enough to be heard. */
  async gone(): Promise<void> {
    const closed = [...this.#sessions].map(
      (session) => new Promise((r) => session.once('close', r)),
    );
    const late = new Promise((resolve) => setTimeout(resolve, partingMsMax).unref());
    await Promise.race([Promise.all(closed), late]);
  }

  #add(session: http2.ServerHttp2Session): void {
    this.#sessions.add(session);
    const idle = endWhenIdle(session, this.#times.idleMsMax);
    const ageMsMax = this.#times.ageMsMax();
    const old = Number.isFinite(ageMsMax)
      ? setTimeout(() => sendAway(session), ageMsMax)
      : undefined;
    session.once('close', () => {
      this.#sessions.delete(session);
      clearTimeout(idle);
      clearTimeout(old);
    });
  }
}

/**
 * Says that no further call is taken and which was the last, so that the client knows what it may
 * send again elsewhere.
 */
function sendAway(session: http2.ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.close();
}

/**
 * Ends a session on which no call is open for so long. Node's own timeout would also be put off by
 * a PING, and a client that answers nothing would keep a session that is only closed.
 */
function endWhenIdle(session: http2.ServerHttp2Session, idleMsMax: number): NodeJS.Timeout {
  let streams = 0;
  const timer = setTimeout(() => {
    if (streams > 0) return;
    sendAway(session);
    setTimeout(() => session.destroy(), partingMsMax).unref();
  }, idleMsMax);
  const onClose = () => {
    streams -= 1;
    if (streams === 0) timer.refresh();
  };
  session.on('stream', (stream) => {
    streams += 1;
    stream.on('close', onClose);
  });
  return timer;
}

/**
 * Lets go of a call, when its answer is finished, of whose request not all has come. Unread, the rest would
 * keep the stream open, and one of the few that its connection may have, for good. It is not reset
 * at once: there are clients that then forget the answer.
 */
export function discardLeftover(this: http2.ServerHttp2Stream): void {
  if (this.readableEnded) return;
  this.removeAllListeners('data').resume();
  const timer = setTimeout(() => this.close(http2.constants.NGHTTP2_NO_ERROR), leftoverMsMax);
  this.once('close', () => clearTimeout(timer));
}
