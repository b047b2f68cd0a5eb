import { defineProgram } from '../models/base/command-line/option-table.ts';
import { formatDuration } from '../models/base/units.ts';
import { EXPERIMENT, EXPLAIN, IMAGE, PLAN } from './commands.ts';
import { ORPHAN_MS, SERVE_OPTIONS } from './serve-options.ts';

/** The program `infless-autoscaler`. */
export const autoscalerProgram = defineProgram({
  name: 'infless-autoscaler',
  summary: 'Serve models within their latency targets, with as few resources as possible.',
  options: SERVE_OPTIONS,
  commands: [PLAN, EXPERIMENT, EXPLAIN, IMAGE], // beside serving, which is what it does when none is named
  notes: `
Functions are declared in the file, or by REST:
  curl localhost:8080/api/functions -u admin:PASSWORD -H 'Content-Type: application/json' \\
    -d '{"name":"mobilenet","model":"mobilenet","slo":"200ms"}'
and called at /function/NAME, /v1/models/NAME:predict or /v2/models/NAME/infer.

Changes need a login: the user is admin, the password is in the file basic-auth-password of --state-dir. Without
--basic-auth-dir, functions are only administered by localhost, the address given with --host or a name given with
--allow-host. So no web site can do it through your browser.

SIGINT (Ctrl-C) stops the instances. SIGTERM leaves them running for the next autoscaler with the same --state-dir; if
none comes within ${formatDuration(ORPHAN_MS)}, they end by themselves. On a cluster they wait for one without limit.

On a cluster functions are objects of kind InferenceFunction. Those of the file are created, and stay.

More: docs/serve.md`,
  run: async (values) => (await import('./serve.ts')).serve(values),
});
