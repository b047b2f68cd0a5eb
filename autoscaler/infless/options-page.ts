import { option } from '../../models/base/command-line/option-table.ts';
import { file, folder, text } from '../../models/base/command-line/parsers.ts';
import { optionsTable, renderReference } from '../../models/base/command-line/reference.ts';
import { packProgram } from '../../packager/cli.ts';
import { serverProgram } from '../../packager/server/program.ts';
import { loadProgram } from '../../profiler/load/program.ts';
import { profileProgram } from '../../profiler/program.ts';
import { deployCommand, logsCommand, statusCommand, topCommand } from '../client/commands.ts';
import { doctorCommand } from '../doctor/doctor-command.ts';
import { journalCommand, replayCommand } from '../journal/commands.ts';
import { autoscalerProgram } from '../program.ts';
import { serveCommand } from '../serve-models/serve-command.ts';
import { inflessProgram } from './program.ts';

/** What more than one program reads, or what belongs to no option. */
const SHARED_ENVIRONMENT = [
  option({
    env: 'INFLESS_CACHE_DIR',
    parse: folder,
    otherwise: '~/.cache/infless, or below XDG_CACHE_HOME',
    help: 'folder that keeps models of the zoo, profile tables and operator times',
  }),
  option({ env: 'INFLESS_DEBUG', parse: text, help: '1 prints the stack of an error' }),
  option({
    env: 'INFLESS_CUDA_LIBRARIES',
    parse: folder,
    otherwise: 'those of pip, conda and the loader',
    help: 'folders with the CUDA libraries that the engine needs, separated by colons',
  }),
  option({
    env: 'INFLESS_SECRETS_DIR',
    parse: folder,
    help: 'in an instance: folder with the secrets of its function, one file each; set by the autoscaler',
  }),
  option({
    env: 'NO_COLOR',
    parse: text,
    help: 'any value turns colours off; FORCE_COLOR turns them on where there is no terminal',
  }),
  option({
    env: 'SOURCE_DATE_EPOCH',
    parse: text,
    otherwise: '0',
    help: 'time that is written into an image, in seconds since 1970',
  }),
  option({
    env: 'DOCKER_CONFIG',
    parse: folder,
    otherwise: '~/.docker',
    help: 'folder with the config.json that has the logins of registries',
  }),
  option({
    env: 'REGISTRY_AUTH_FILE',
    parse: file,
    otherwise: '$XDG_RUNTIME_DIR/containers/auth.json',
    help: 'another file with logins of registries',
  }),
  option({
    env: 'HTTPS_PROXY',
    parse: text,
    help: 'proxy to registries; HTTP_PROXY and NO_PROXY are read as well',
  }),
];

/** docs/options.md: all options of all programs, from their tables. */
export async function optionsPage(): Promise<string> {
  const reference = await renderReference([
    { spec: serveCommand, names: ['infless serve'] },
    { spec: profileProgram, names: ['infless-profile', 'infless profile'] },
    { spec: packProgram, names: ['infless-pack', 'infless pack'] },
    { spec: autoscalerProgram, names: ['infless-autoscaler', 'infless autoscaler'] },
    { spec: loadProgram, names: ['infless-load', 'infless load'] },
    ...[statusCommand, topCommand, logsCommand, deployCommand].map((spec) => ({
      spec,
      names: [`infless ${spec.name}`],
    })),
    { spec: journalCommand, names: ['infless journal'] },
    { spec: replayCommand, names: ['infless replay'] },
    { spec: doctorCommand, names: ['infless doctor'] },
    { spec: serverProgram, names: ['The serving process'] },
  ]);
  const completion = await inflessProgram.commands!.find(({ name }) => name === 'completion')!.load();
  return `<!-- Written by npm run write:options from the option tables in the code: change it there. -->

# Options

Every option of every program. \`infless\` is one name for all of them: \`infless profile\` is \`infless-profile\`,
\`infless plan\` is \`infless-autoscaler plan\`, \`infless explain\` is \`infless-autoscaler explain\`.

- An option on the command line wins over its environment variable, that over the key of an options file, that over the default.
- An empty variable counts as unset; \`INFLESS_BASIC_AUTH_DIR\` is refused, since leaving the gateway open must be a decision.
- Durations have a unit: \`200ms\`, \`1.5s\`, \`10m\`, \`2h\`, \`1d\`.
- Every program and command has \`--help\` and \`--version\`.

| Exit code | Meaning |
| --- | --- |
| 0 | Done. |
| 1 | The answer is no: an SLO was missed, or cannot be kept. |
| 2 | Bad input. |
| 3 | The environment failed: a port is taken, a disk is full, a registry does not answer. |
| 4 | The accelerator you asked for cannot be used here. |
| 70 | A defect of INFless. |
| 130 | Interrupted. |

## Completion

\`infless completion bash\`, \`zsh\` or \`fish\` prints a script that lets the shell complete commands, options and their values,
also those of the programs with names of their own:

\`\`\`
${completion.notes!.trim().split('\n').slice(1).join('\n')}
\`\`\`

${reference}

## All programs

${optionsTable(SHARED_ENVIRONMENT)}
`;
}
