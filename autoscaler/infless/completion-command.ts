import { bashCompletion } from '../../models/base/command-line/completion/bash.ts';
import { completionTable } from '../../models/base/command-line/completion/completion-table.ts';
import { fishCompletion } from '../../models/base/command-line/completion/fish.ts';
import { zshCompletion } from '../../models/base/command-line/completion/zsh.ts';
import {
  argument,
  defineProgram,
  type LazyProgram,
  type ProgramSpec,
} from '../../models/base/command-line/option-table.ts';
import { oneOf } from '../../models/base/command-line/parsers.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/**
 * `infless completion SHELL`: for `infless` and the programs that have names of their own.
 *
 * @param root `infless` itself, which has this very command
 */
export function completionOf(root: () => ProgramSpec, programs: readonly LazyProgram[]): ProgramSpec {
  return defineProgram({
    name: 'completion',
    summary: 'Print a script that lets a shell complete commands, options and their values.',
    options: {
      shell: argument({
        argument: '<shell>',
        parse: oneOf(Object.keys(SHELLS) as readonly (keyof typeof SHELLS)[]),
        help: 'the shell that you use',
      }),
    },
    notes: `
For this session, and for good:
  bash  source <(infless completion bash)
        infless completion bash > ~/.local/share/bash-completion/completions/infless
  zsh   source <(infless completion zsh)
        infless completion zsh > "\${fpath[1]}/_infless"
  fish  infless completion fish | source
        infless completion fish > ~/.config/fish/completions/infless.fish`,
    run: async ({ shell }) => {
      const loaded = [];
      for (const { load } of programs) loaded.push(await load());
      process.stdout.write(SHELLS[shell](await completionTable([...loaded, root()])));
    },
  });
}
