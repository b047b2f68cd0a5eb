import { defineProgram } from '../../models/base/command-line/option-table.ts';
import { SERVER_OPTIONS } from './settings.ts';

/** What runs in an image and in every instance: the environment is all that it takes. */
export const serverProgram = defineProgram({
  name: 'infless-server',
  summary: 'Serve one model over HTTP.',
  options: SERVER_OPTIONS,
  notes: `
It answers inference requests at /v1/models/NAME, and
  GET /_/health  200 while it lives
  GET /_/ready   200 once the model has answered its first batch
  GET /metrics   for Prometheus

On SIGTERM and SIGINT it answers the requests it has, refuses new ones, and ends. A second signal ends it at once.

Exit codes:
  0  ended by a signal, or because /_/ready was not called (INFLESS_ORPHAN_MS)
  2  bad input: the environment, the model, or its profile table
  3  the port is taken
  4  the accelerator cannot be used here

More: docs/protocols.md`,
  run: async (settings) => (await import('./serve.ts')).serve(settings),
});
