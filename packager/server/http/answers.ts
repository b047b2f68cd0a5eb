import type { FastifyReply } from 'fastify';
import type { Body, BodyBudget } from './body.ts';
import { asBuffer } from './http-server.ts';

/** Time to take an answer: 32 MiB at 5 Mbit/s, as for sending a body; more where it is larger. */
const TAKE_MS = 60_000;
const TAKEN_BYTES = 32 << 20;

/**
 * Sends an answer, whose bytes count in the budget until they are sent, in place of those of its request. A
 * client that does not take it in time is cut off: it would hold memory for ever.
 */
export function sendHeld(
  reply: FastifyReply,
  bytes: Uint8Array,
  budget: BodyBudget,
  takeMs = TAKE_MS * Math.max(1, bytes.byteLength / TAKEN_BYTES),
): FastifyReply {
  (reply.request.body as Body | undefined)?.release();
  budget.hold(bytes.byteLength);
  const timer = setTimeout(() => reply.raw.destroy(), takeMs);
  reply.raw.once('close', () => {
    clearTimeout(timer);
    budget.give(bytes.byteLength);
  });
  return reply.send(asBuffer(bytes));
}
