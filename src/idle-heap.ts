import { Script } from 'node:vm';

/**
 * V8's rate of such allocations halves every 100 ms; after some 107 s it is zero as a number.
 */
const everyMs = 30_000;

/**
 * Has V8 give back what a busy time has left it with, once little is allocated. It does so by
 * itself where the rates are low at which three sorts of memory are allocated, but since 13.1 it
 * takes a rate of zero for a high one, and objects of C++ are a sort that a server never makes: a
 * compiled script is one. https://issues.chromium.org/issues/570738027
 */
export function letIdleHeapShrink(): void {
  const allocate = () => new Script('');
  allocate();
  setInterval(allocate, everyMs).unref();
}
