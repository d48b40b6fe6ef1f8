import { RequestInfoSchema } from '../gen/typescript/google/rpc/error_details_pb.js';
import { readConfig } from '../src/config.ts';
import { Admission } from '../src/serve/admission.ts';
import { CallLimits } from '../src/serve/call-limits.ts';
import { everybody } from '../src/serve/caller.ts';
import { Router } from '../src/serve/router.ts';
import { Rpc } from '../src/serve/rpc.ts';
import { SocketServer } from '../src/serve/socket-server.ts';
import { createTell, type Tell } from '../src/serve/told-error.ts';
import { answerUnreadable } from '../src/serve/unreadable.ts';
import { silentLogger } from '../test/support/logger.ts';
import { Suite } from './messages.ts';
import { conformanceService, SuiteError } from './service.ts';

/**
 * The collector's own front with the suite's service behind it, as the suite wants it: a request
 * on standard input says what server to be, the answer on standard output where it is.
 */
const suite = new Suite(process.argv[2] as string);
const { messageReceiveLimit } = suite.read('ServerCompatRequest', await readMessage()) as {
  messageReceiveLimit?: number;
};
const config = readConfig({}, { host: '127.0.0.1', port: '0' });
const onRefused = () => {};
const tellOurs = createTell(silentLogger, onRefused);
/** What the suite throws goes out as it is. It counts the details of errors: ours have one more. */
const tell: Tell = (error, about) => {
  if (error instanceof SuiteError) return error;
  const told = tellOurs(error, about);
  told.details = told.details.filter(
    (detail) => !('desc' in detail && detail.desc.typeName === RequestInfoSchema.typeName),
  );
  return told;
};
const rpc = new Rpc(
  {
    messageBytesMax: messageReceiveLimit || config.messageBytesMax,
    jsonValuesMax: config.jsonValuesMax,
  },
  tell,
);
const routes = rpc.routes('none', (router) =>
  // Its messages hold others of any type.
  router.service(suite.service, conformanceService(suite), {
    jsonOptions: { registry: suite.registry },
  }),
);
const router = new Router(routes, new Admission(new CallLimits(config), everybody), tell);
const server = new SocketServer(
  {
    ...config,
    peekMsMax: config.headerMsMax,
    streamsPerConnectionMax: config.connectionCallsMax,
    onRefused,
    onUnreadable: answerUnreadable(tell),
  },
  router.listener,
  silentLogger,
);
const port = await server.listen();
writeMessage(suite.write('ServerCompatResponse', { host: '127.0.0.1', port }));
process.once('SIGTERM', () => process.exit(0));

async function readMessage(): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) break;
  }
  return bytes.subarray(4, 4 + bytes.readUInt32BE());
}

function writeMessage(bytes: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  process.stdout.write(Buffer.concat([length, bytes]));
}
