import type { CompletionTable, Offer } from './completion-table.ts';

/** Completion for fish 3 and newer, as a script to be sourced. */
export function fishCompletion({ programs, commands }: CompletionTable): string {
  const next = commands.flatMap(({ id, commands: below }) =>
    below.map((each) => `        case '${id} ${each.name}'\n            echo ${each.id}`),
  );
  const values = commands.flatMap(({ id, flags }) =>
    flags.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [`        case ${names.map((name) => `'${id} ${name}'`).join(' ')}\n${offer(value)}`],
    ),
  );
  const flags = commands.map(({ id, flags: all }) => {
    const lines = all.flatMap(({ names, help }) => names.map((name) => described(name, help)));
    return `        case ${id}\n${lines.join('\n')}`;
  });
  const places = commands.map(({ id, positional, commands: below }) => {
    const lines = below.map(({ name, help }) => described(name, help));
    return `        case ${id}\n${[...lines, offer(positional)].join('\n')}`;
  });
  return `# Completion of ${programs.join(', ')} for fish. Use it: infless completion fish | source

function __infless_next # command, word: the command that the word leads to
    switch "$argv[1] $argv[2]"
${next.join('\n')}
        case '*'
            return 1
    end
end

function __infless_value # command, flag, beginning: what the flag's value may be
    set -l current $argv[3]
    switch "$argv[1] $argv[2]"
${values.join('\n')}
        case '*'
            return 1
    end
    return 0
end

function __infless_flags # command
    switch $argv[1]
${flags.join('\n')}
    end
end

function __infless_place # command, beginning: what may follow the command
    set -l current $argv[2]
    switch $argv[1]
${places.join('\n')}
    end
end

function __infless_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l command (string replace -r '.*/' '' -- $tokens[1])
    set -l before $tokens[-1]
    set -e tokens[1]
    for word in $tokens
        set -l next (__infless_next $command $word)
        or break
        set command $next
    end
    if string match -qr '^--[^=]+=' -- $current
        set -l parts (string split -m 1 = -- $current)
        for found in (__infless_value $command $parts[1] "$parts[2]")
            echo $parts[1]=$found
        end
    else if string match -q -- '-*' $current
        __infless_flags $command
    else
        __infless_value $command $before "$current"
        or __infless_place $command "$current"
    end
end

${programs.map((name) => `complete -c ${name} -f -a '(__infless_complete)'`).join('\n')}
`;
}

function offer({ words, paths }: Offer): string {
  const lines = [
    ...(words.length === 0 ? [] : [`printf '%s\\n' ${words.map(quote).join(' ')}`]),
    ...(paths === 'file' ? ['__fish_complete_path "$current"'] : []),
    ...(paths === 'folder' ? ['__fish_complete_directories "$current"'] : []),
  ];
  return (lines.length === 0 ? ['true'] : lines).map((line) => `            ${line}`).join('\n');
}

/** A word and what it means, with a tab between. */
function described(word: string, help: string): string {
  return `            printf '%s\\t%s\\n' ${quote(word)} ${quote(help)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
