import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a real shell offers at the end of a command line, sorted; in bash and zsh without descriptions. */
export type Complete = (line: string) => readonly string[];

/** A folder with a completion script in it, and some files to complete: `table.json`, `tables/`. */
export class CompletionFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'infless-completion-'));

  constructor(readonly script: string) {
    writeFileSync(this.#file('script'), script);
    writeFileSync(this.#file('table.json'), '{}');
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  readonly bash: Complete = (line) => {
    const words = line.split(/ |(=)/).filter((word) => word !== undefined); // at = bash splits, too
    const quoted = words.map((word) => `'${word}'`).join(' ');
    return this.#run('bash', [
      ...['--norc', '--noprofile', '-c'],
      `source ./script
      COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}
      registered=$(complete -p "\${COMP_WORDS[0]}") function=\${registered#*-F }
      "\${function%% *}"
      printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
  };

  readonly fish: Complete = (line) =>
    this.#run('fish', ['--no-config', '-c', `source script; complete -C '${line}'`]).map(
      (offer) => offer.split('\t')[0]!,
    );

  /**
   * Types the line and Tab into an interactive zsh, in which `compadd` writes down what it is given to offer.
   */
  readonly zsh: Complete = (line) => {
    writeFileSync(
      this.#file('.zshrc'),
      `PROMPT=''
      autoload -Uz compinit && compinit -u -D
      source ./script
      compadd() {
        local -a offered
        builtin compadd -A offered "$@"
        print -rl -- $offered >> offers
        builtin compadd "$@"
      }
      finish() { print done >> offers; exit }
      comppostfuncs=(finish)
      print ready > started`,
    );
    writeFileSync(
      this.#file('type'),
      `zmodload zsh/zpty zsh/zselect
      : > offers
      zpty shell 'ZDOTDIR=$PWD zsh -o NO_GLOBAL_RCS -i'
      repeat 500; do [[ -s started ]] && break; zselect -t 2; done
      zpty -w -n shell $'${line}\\t'
      repeat 500; do grep -q '^done$' offers && break; zselect -t 2; done
      zpty -d shell
      grep -v '^done$' offers`,
    );
    const offers = this.#run('zsh', ['-f', 'type']);
    rmSync(this.#file('started'));
    return offers;
  };

  #run(shell: string, args: readonly string[]): readonly string[] {
    const { stdout, stderr, error } = spawnSync(shell, args, {
      cwd: this.path,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: this.path, TERM: 'dumb', LC_ALL: 'C.UTF-8' },
      timeout: 30_000,
    });
    if (error !== undefined) throw error;
    if (stderr.trim() !== '') throw new Error(`${shell}: ${stderr}`);
    return [...new Set(stdout.split('\n').filter((offer) => offer !== ''))].sort();
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}
