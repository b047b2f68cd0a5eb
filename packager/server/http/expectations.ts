import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Requests whose client asked, with `Expect: 100-continue`, whether to send the body at all. */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/**
 * Lets the decision about a request come before its body: curl asks with every body above a megabyte, and
 * then never sends one that is refused anyway.
 */
export function deferContinue(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.set(request, response);
    server.emit('request', request, response);
  });
}

/** Asks for the body, where the client waits to be asked. */
export function sendContinue(request: IncomingMessage): void {
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
}

/**
 * Whether the body was never asked for: no one can tell if it comes, so the connection must not be used
 * again.
 */
export function isBodyUnasked(request: IncomingMessage): boolean {
  return waiting.has(request);
}
