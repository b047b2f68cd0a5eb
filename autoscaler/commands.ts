import type { LazyProgram } from '../models/base/command-line/option-table.ts';

/*
 * Nothing is imported before a command is called: `infless --help` lists them, and is to be quick.
 */

/** `infless serve`. */
export const SERVE: LazyProgram = {
  name: 'serve',
  summary: 'Serve model files within a latency target: measure what is not known yet, and answer.',
  load: async () => (await import('./serve-models/serve-command.ts')).serveCommand,
};

/** `infless-autoscaler plan`, and `infless plan`. */
export const PLAN: LazyProgram = {
  name: 'plan',
  summary:
    'Simulate functions on a cluster under a load: is the SLO kept, with which resources, at what cost?',
  load: async () => (await import('./what-if/commands/plan-command.ts')).planCommand,
};

/** `infless-autoscaler explain`, and `infless explain`. */
export const EXPLAIN: LazyProgram = {
  name: 'explain',
  summary:
    "Explain a function's config: what binds it, what it costs, the runner-up, and what a looser SLO saves.",
  load: async () => (await import('./what-if/commands/explain-command.ts')).explainCommand,
};

/** `infless-autoscaler image`. */
export const IMAGE: LazyProgram = {
  name: 'image',
  summary: 'Pack this autoscaler into an image for a cluster: no Docker, no root.',
  load: async () => (await import('./deploy/image-command.ts')).imageCommand,
};
