import type { CompletionTable, Offer } from './completion-table.ts';

/** Completion for zsh, as a script to be sourced, or as the file `_infless` in a folder of `fpath`. */
export function zshCompletion({ programs, commands }: CompletionTable): string {
  const next = commands.flatMap(({ id, commands: below }) =>
    below.map((each) => `    '${id} ${each.name}') REPLY=${each.id} ;;`),
  );
  const values = commands.flatMap(({ id, flags }) =>
    flags.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [`    ${names.map((name) => `'${id} ${name}'`).join('|')}) ${assign(value)} ;;`],
    ),
  );
  const flags = commands.map(({ id, flags: all }) => {
    const items = all.flatMap(({ names, help }) => names.map((name) => `      ${described(name, help)}`));
    return `    ${id}) flags=(\n${items.join('\n')}\n    ) ;;`;
  });
  const places = commands.map(({ id, positional, commands: below }) => {
    const items = below.map(({ name, help }) => `      ${described(name, help)}`);
    return `    ${id}) ${assign(positional)} commands=(\n${items.join('\n')}\n    ) ;;`;
  });
  return `#compdef ${programs.join(' ')}
# Completion for zsh. Use it: source <(infless completion zsh), after compinit

__infless_next() { # command, word: the command that the word leads to
  case "$1 $2" in
${next.join('\n')}
    (*) return 1 ;;
  esac
}

__infless_value() { # command, flag: what its value may be
  case "$1 $2" in
${values.join('\n')}
    (*) return 1 ;;
  esac
}

__infless_flags() { # command
  case $1 in
${flags.join('\n')}
  esac
}

__infless_place() { # command: what may follow it
  case $1 in
${places.join('\n')}
  esac
}

__infless_offer() {
  (( $#choices )) && compadd -a choices
  [[ $paths == file ]] && _files
  [[ $paths == folder ]] && _files -/
  return 0
}

_infless() {
  local command=\${words[1]:t} before=$words[CURRENT-1] REPLY paths
  local -a choices commands flags
  local -i i
  for (( i = 2; i < CURRENT; i++ )); do
    __infless_next $command $words[i] || break
    command=$REPLY
  done
  if [[ $PREFIX == --*=* ]]; then
    before=\${PREFIX%%=*}
    compset -P '*='
    __infless_value $command $before && __infless_offer
  elif [[ $PREFIX == -* ]]; then
    __infless_flags $command
    _describe -o option flags
  elif __infless_value $command $before; then
    __infless_offer
  else
    __infless_place $command
    (( $#commands )) && _describe command commands
    __infless_offer
  fi
}

if [[ $funcstack[1] == _infless ]]; then
  _infless "$@" # loaded from fpath
else
  compdef _infless ${programs.join(' ')}
fi
`;
}

function assign({ words, paths }: Offer): string {
  return `choices=(${words.map(quote).join(' ')}) paths=${paths ?? ''}`;
}

/** A word and what it means, as _describe takes them. */
function described(word: string, help: string): string {
  return quote(`${word}:${help}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
