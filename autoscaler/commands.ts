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

/** `infless journal`. */
export const JOURNAL: LazyProgram = {
  name: 'journal',
  summary: 'Show the decisions that an autoscaler has recorded: what changed, when and why.',
  load: async () => (await import('./journal/commands.ts')).journalCommand,
};

/** `infless replay`. */
export const REPLAY: LazyProgram = {
  name: 'replay',
  summary:
    'Make recorded decisions again: the same, or as they would have been with another SLO, limit or rate.',
  load: async () => (await import('./journal/commands.ts')).replayCommand,
};

/** `infless status`, `top`, `logs` and `deploy`: what asks a running autoscaler. */
export const CLIENT: readonly LazyProgram[] = [
  {
    name: 'status',
    summary:
      'Show what a running autoscaler serves: rates, latencies against SLOs, instances, and what is wrong.',
    load: async () => (await import('./client/commands.ts')).statusCommand,
  },
  {
    name: 'top',
    summary: 'Show what a running autoscaler serves, every two seconds, until Ctrl-C.',
    load: async () => (await import('./client/commands.ts')).topCommand,
  },
  {
    name: 'logs',
    summary: 'Show what the instances of a function print.',
    load: async () => (await import('./client/commands.ts')).logsCommand,
  },
  {
    name: 'deploy',
    summary: 'Deploy a function to a running autoscaler, or replace one, and show what it gets.',
    load: async () => (await import('./client/commands.ts')).deployCommand,
  },
];

/** `infless doctor`. */
export const DOCTOR: LazyProgram = {
  name: 'doctor',
  summary:
    'Look at this machine: what it gives to tables and instances, what will not work, and how to get more.',
  load: async () => (await import('./doctor/doctor-command.ts')).doctorCommand,
};

/** `infless-autoscaler plan`, and `infless plan`. */
export const PLAN: LazyProgram = {
  name: 'plan',
  summary:
    'Simulate functions on a cluster under a load: is the SLO kept, with which resources, at what cost?',
  load: async () => (await import('./what-if/commands/plan-command.ts')).planCommand,
};

/** `infless-autoscaler experiment`, and `infless experiment`. */
export const EXPERIMENT: LazyProgram = {
  name: 'experiment',
  summary: 'Simulate policies × seeds × settings: CSV, a summary with intervals, and a page with pictures.',
  load: async () => (await import('./what-if/commands/experiment-command.ts')).experimentCommand,
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
