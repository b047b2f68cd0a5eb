import { defineProgram, type LazyProgram } from '../models/base/command-line/option-table.ts';
import { PROFILE_OPTIONS } from './commands/profile-options.ts';

const COMMANDS: readonly LazyProgram[] = [
  {
    name: 'endpoint',
    summary: 'Find the highest rate at which a running endpoint keeps its SLO (also: infless-profile URL).',
    load: async () => (await import('./commands/endpoint-command.ts')).endpointCommand,
  },
  {
    name: 'operators',
    summary: 'Measure operators on this host, so that --predict can predict other models from them.',
    load: async () => (await import('./commands/operators-command.ts')).operatorsCommand,
  },
  {
    name: 'report',
    summary: 'Write a page with charts of a profile table: one file that needs no network.',
    load: async () => (await import('./commands/report-command.ts')).reportCommand,
  },
  {
    name: 'compare',
    summary: 'Compare two tables cell by cell: what has become slower or faster?',
    load: async () => (await import('./commands/compare-command.ts')).compareCommand,
  },
  {
    name: 'merge',
    summary: 'Merge tables of the same model and host into one; newer cells win.',
    load: async () => (await import('./commands/merge-command.ts')).mergeCommand,
  },
  {
    name: 'import',
    summary: 'Make a profile table from what another program measured.',
    load: async () => (await import('./commands/import-command.ts')).importCommand,
  },
  {
    name: 'export',
    summary: 'Write a profile table in another format.',
    load: async () => (await import('./commands/export-command.ts')).exportCommand,
  },
];

/** The program `infless-profile`. */
export const profileProgram = defineProgram({
  name: 'infless-profile',
  summary: 'Measure how fast a model answers batches under CPU quotas. The result is a table to plan with.',
  options: PROFILE_OPTIONS,
  commands: COMMANDS,
  redirect: withEndpointCommand,
  notes: `
Exit codes: 0 done; 1 no config keeps the SLO; 2 bad input; 3 the host failed; 4 the provider cannot be used; 130
interrupted: --resume measures the rest.
More: docs/profile.md`,
  run: async (values, invocation) => {
    const { profile } = await import('./commands/profile-command.ts');
    return profile(values, invocation);
  },
});

/**
 * `infless-profile URL …` stands for `infless-profile endpoint URL …`; any other arguments are left as they
 * are.
 */
export function withEndpointCommand(args: readonly string[]): readonly string[] {
  const isCommand = COMMANDS.some(({ name }) => name === args[0]);
  if (isCommand || !args.some((argument) => /^https?:\/\//.test(argument))) return args;
  return ['endpoint', ...args];
}
