import { furtherHeaders } from '../support/http.ts';
import '../serve/answered-early.test.ts';
import '../serve/http.test.ts';
import './idempotency.test.ts';
import './partial-success.test.ts';
import './rest.test.ts';
import './storable.test.ts';
import './validation.test.ts';

// The unary tests once more: a request that says how long it may take is no plain one, and goes
// the library's way.
furtherHeaders['connect-timeout-ms'] = '10000';
