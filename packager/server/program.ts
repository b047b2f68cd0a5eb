import { defineProgram } from '../../models/base/command-line/option-table.ts';
import { SERVER_OPTIONS } from './settings.ts';

/** What runs in an image and in every instance: the environment is all that it takes. */
export const serverProgram = defineProgram({
  name: 'infless-server',
  summary: 'Serve one model over HTTP.',
  options: SERVER_OPTIONS,
  notes: `
It answers inference requests at /v1/models/NAME, and
  GET /_/health  with 200 as long as it lives
  GET /_/ready   with 200 when the model has answered its first batch
  GET /metrics   with what it does, for Prometheus

SIGTERM and SIGINT: what was taken in is answered, nothing else is taken, and the process ends. A second one ends it at
once.

Exit codes:
  0  ended by a signal, or because nobody asked after it (INFLESS_ORPHAN_MS)
  2  bad input: the environment, the model, or its profile table
  3  the port cannot be had
  4  the accelerator cannot be used here

docs/protocols.md tells more.`,
  run: async (settings) => (await import('./serve.ts')).serve(settings),
});
