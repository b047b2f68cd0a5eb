import type { CompletionTable, Offer } from './completion-table.ts';

/** Completion for bash 3.2 and newer, as a script to be sourced. */
export function bashCompletion({ programs, commands }: CompletionTable): string {
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
  const flags = commands.map(
    (each) => `    ${each.id}) words='${each.flags.flatMap(({ names }) => names).join(' ')}' ;;`,
  );
  const places = commands.map(({ id, positional, commands: below }) => {
    const words = [...below.map(({ name }) => name), ...positional.words];
    return `    ${id}) ${assign({ ...positional, words })} ;;`;
  });
  return `# Completion of ${programs.join(', ')} for bash. Use it: source <(infless completion bash)

__infless_next() { # command, word: the command that the word leads to
  case "$1 $2" in
${next.join('\n')}
    *) return 1 ;;
  esac
}

__infless_value() { # command, flag: what its value may be
  case "$1 $2" in
${values.join('\n')}
    *) return 1 ;;
  esac
}

__infless_flags() { # command
  case "$1" in
${flags.join('\n')}
  esac
}

__infless_place() { # command: what may follow it
  case "$1" in
${places.join('\n')}
  esac
}

_infless() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[0]##*/}
  local REPLY='' words='' paths='' word='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    __infless_next "$command" "\${COMP_WORDS[i]}" || break
    command=$REPLY
  done
  if [[ $current == '=' ]]; then # for bash, --flag=value is three words
    current=''
  elif [[ $before == '=' ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ $current == -* ]]; then
    __infless_flags "$command"
  else
    __infless_value "$command" "$before" || __infless_place "$command"
  fi
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(
    compgen -W "$words" -- "$current"
    if [[ -n $paths ]]; then compgen "$paths" -- "$current"; fi
  )
  if [[ -n $paths ]]; then compopt -o filenames 2>/dev/null; fi
  return 0
}

complete -F _infless ${programs.join(' ')}
`;
}

function assign({ words, paths }: Offer): string {
  const action = { file: ' paths=-f', folder: ' paths=-d' };
  return `words='${words.join(' ')}'${paths === undefined ? '' : action[paths]}`;
}
