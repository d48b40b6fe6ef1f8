// Logs through pino, whose worker thread has the transport.
import pino from 'pino';

const options = { eventType: 'APPLICATION_LOG', serviceName: 'with-pino' };
const transport = pino.transport({ target: 'gravitas-telemetry-client/pino', options });
const logger = pino({ name: 'pino-program', level: 'debug' }, transport);
logger.info({ request: 7 }, 'hello');
logger.child({ part: 'child' }).error(new TypeError('as told'));
logger.debug({ value: 2.5 }, 'measured');
logger.warn('gravitas-telemetry: of the client itself');
