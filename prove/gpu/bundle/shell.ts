import type { CutFile } from './parts.ts';

export const APP_ARCHIVE = 'app.tar.gz';
export const ENGINE_ARCHIVE = 'engine.tar.br';
export const UNPACK_SCRIPT = 'unpack.sh';
/** Within what was unpacked. */
export const RUN_SCRIPT = 'prove-gpu';

/** What an archive takes until the other parts of it are there. */
const INCOMPLETE_EXIT = 4;

/**
 * Joins, checks and unpacks what is there of a bundle, on a machine with a POSIX shell, tar, gzip and
 * sha256sum. What was done is not done again, so it can be run after each part that has arrived.
 */
export function unpackScript(app: CutFile, engine: CutFile): string {
  return `#!/bin/sh
# Joins, checks and unpacks this bundle: sh ${UNPACK_SCRIPT} [FOLDER]. Run it again whenever more parts have arrived.
set -eu
bundle=$(cd "$(dirname "$0")" && pwd)
mkdir -p "\${1:-prove-gpu}"
target=$(cd "\${1:-prove-gpu}" && pwd)

# join ARCHIVE DIGEST PARTS: puts the archive together beside its parts, or says what is missing and fails
join() {
  archive=$1 digest=$2
  shift 2
  for part in "$@"; do
    [ -f "$bundle/$part" ] || { echo "$archive: $part has not arrived yet"; return 1; }
  done
  (cd "$bundle" && cat "$@") > "$target/$archive"
  if [ "$(sha256sum < "$target/$archive" | cut -c 1-64)" != "$digest" ]; then
    rm -f "$target/$archive"
    echo "$archive: its parts do not add up, bring these again:"
    (cd "$bundle" && sha256sum -c SHA256SUMS 2>/dev/null | grep -v ': OK$') || :
    return 1
  fi
}

if [ "$(cat "$target/.app" 2>/dev/null)" != ${app.digest} ]; then
  join ${APP_ARCHIVE} ${app.digest} ${names(app)} || exit ${INCOMPLETE_EXIT}
  gzip -dc "$target/${APP_ARCHIVE}" | tar -xf - -C "$target"
  rm -f "$target/${APP_ARCHIVE}"
  echo ${app.digest} > "$target/.app"
fi
if [ "$(cat "$target/.engine" 2>/dev/null)" != ${engine.digest} ]; then
  join ${ENGINE_ARCHIVE} ${engine.digest} ${names(engine)} || exit ${INCOMPLETE_EXIT}
  "$target/${RUN_SCRIPT}" --unpack-engine "$target/${ENGINE_ARCHIVE}"
  rm -f "$target/${ENGINE_ARCHIVE}"
  echo ${engine.digest} > "$target/.engine"
fi
echo "unpacked: $target/${RUN_SCRIPT}"
`;
}

function names({ parts }: CutFile): string {
  return parts.map(({ name }) => name).join(' ');
}

/** Starts the proof with the Node.js that was brought along; it asks nothing of the PATH. */
export function runScript(program: string): string {
  return `#!/bin/sh
here=\${0%/*}
[ "$here" != "$0" ] || here=.
here=$(cd "$here" && pwd)
exec "$here/bin/node" "$here/${program}" "$@"
`;
}

/** As `sha256sum -c` reads it. */
export function digestList(...files: readonly CutFile[]): string {
  return files.flatMap(({ parts }) => parts.map(({ digest, name }) => `${digest}  ${name}\n`)).join('');
}
