import { defineProgram } from '../models/base/command-line/option-table.ts';
import { formatDuration } from '../models/base/units.ts';
import { EXPLAIN, IMAGE, PLAN } from './commands.ts';
import { ORPHAN_MS, SERVE_OPTIONS } from './serve-options.ts';

/** The program `infless-autoscaler`. */
export const autoscalerProgram = defineProgram({
  name: 'infless-autoscaler',
  summary: 'Serve models within their latency targets, with as few resources as possible.',
  options: SERVE_OPTIONS,
  commands: [PLAN, EXPLAIN, IMAGE], // beside serving, which is what it does when none is named
  notes: `
Functions are declared in the file, or by REST:
  curl localhost:8080/api/functions -H 'Content-Type: application/json' \\
    -d '{"name":"mobilenet","model":"mobilenet","slo":"200ms"}'
and called at /function/NAME, or /v1/models/NAME:predict.

Without --basic-auth-dir, who declares functions has to call this program by localhost, the address given with --host or
a name given with --allow-host: so no web site can do it through somebody's browser.

SIGINT (Ctrl-C) stops the instances. SIGTERM leaves them to the next autoscaler on the same --state-dir; if none
comes within ${formatDuration(ORPHAN_MS)}, they end by themselves. On a cluster they stay until one comes.

On a cluster functions are objects of the kind InferenceFunction; those of the file are made and stay.`,
  run: async (values) => (await import('./serve.ts')).serve(values),
});
