import { setFlagsFromString } from 'node:v8';
import {
  defineProgram,
  type LazyProgram,
  type ProgramSpec,
} from '../../models/base/command-line/option-table.ts';
import { CLIENT, DOCTOR, EXPERIMENT, EXPLAIN, JOURNAL, PLAN, REPLAY, SERVE } from '../commands.ts';

/** The four programs, each of which has a name of its own, too. */
const PROGRAMS: readonly LazyProgram[] = [
  {
    name: 'profile',
    summary: 'Measure how fast a model answers batches under CPU quotas. The result is a table to plan with.',
    load: async () => (await import('../../profiler/program.ts')).profileProgram,
  },
  {
    name: 'load',
    summary: 'Load an inference endpoint in an open loop and report whether it kept its SLO.',
    load: async () => (await import('../../profiler/load/program.ts')).loadProgram,
  },
  {
    name: 'pack',
    summary: 'Pack a model into a serving image: no Docker, no root, the same bytes each time.',
    load: async () => {
      setFlagsFromString('--optimize-for-size'); // as for infless-pack, and as early
      return (await import('../../packager/cli.ts')).packProgram;
    },
  },
  {
    name: 'autoscaler',
    summary: 'Serve models within their latency targets, with as few resources as possible.',
    load: async () => (await import('../program.ts')).autoscalerProgram,
  },
];

const COMPLETION: LazyProgram = {
  name: 'completion',
  summary: 'Print a script that lets a shell complete commands, options and their values.',
  load: async () => (await import('./completion-command.ts')).completionOf(() => inflessProgram, PROGRAMS),
};

function under(group: string, programs: readonly LazyProgram[]): LazyProgram[] {
  return programs.map((program) => ({ ...program, group }));
}

/** The program `infless`: everything under one name. Nothing is loaded but what is called. */
export const inflessProgram: ProgramSpec = defineProgram({
  name: 'infless',
  summary:
    'Give a model and a latency target, get an endpoint that meets it with as few resources as possible.',
  options: {},
  commands: [
    ...under('Serve and measure', [SERVE, ...PROGRAMS]),
    ...under('A running autoscaler', CLIENT),
    ...under('What is decided, and what would be', [PLAN, EXPERIMENT, EXPLAIN, JOURNAL, REPLAY]),
    ...under('This machine', [DOCTOR, COMPLETION]),
  ],
  notes: `
Start with a model file, or a model of the zoo:
  infless serve mobilenet --slo 200ms
  infless load http://127.0.0.1:8080/function/mobilenet --rate 20 --slo 200ms
  infless status

Why it runs as it does:
  infless explain mobilenet
  infless journal --follow

infless COMMAND --help shows the options of a command; docs/options.md has all of them.`,
});
