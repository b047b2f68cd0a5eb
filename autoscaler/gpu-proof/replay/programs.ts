import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recorded, Recordings } from '../card/recorded.ts';
import { type Faults, LOST_FILE, PARTITIONED_FILE } from './faults.ts';

const LOST =
  'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU';

/** What each fault makes a program do in place of answering. */
const INSTEAD = {
  hangs: 'exec sleep 600',
  vanishes: 'kill -9 $$',
  'says-it-failed': `echo "${LOST}"; exit 0`,
} as const;

/**
 * Writes programs that answer as recorded, under the names of the driver's own.
 *
 * @param later what nvidia-smi answers once the card was partitioned
 */
export async function writePrograms(
  folder: string,
  recordings: Recordings,
  later: Recordings,
  faults: Faults,
): Promise<void> {
  await mkdir(folder);
  const smi = { ...(await answers(folder, 'now', recordings)), later: await answers(folder, 'later', later) };
  await program(folder, 'nvidia-smi', smiScript(smi.cases, smi.later.cases, faults.smi));
  if (faults.mps === 'missing') return;
  await program(folder, 'nvidia-cuda-mps-server', MPS_SERVER);
  const version = recordings['nvidia-cuda-mps-control --version'];
  if (version !== undefined) await write(join(folder, 'mps-version'), version);
  await program(folder, 'nvidia-cuda-mps-control', mpsScript(faults.mps));
}

/** Keeps each answer in files, and tells the shell which are whose. */
async function answers(
  folder: string,
  kind: string,
  recordings: Recordings,
): Promise<{ readonly cases: string }> {
  const lines: string[] = [];
  for (const [index, [command, recorded]] of Object.entries(recordings).entries()) {
    const [name, ...args] = command.split(' ');
    if (name !== 'nvidia-smi') continue;
    await write(join(folder, `${kind}-${index}`), recorded);
    lines.push(`  ${quoted(args.join(' '))}) answer=${kind}-${index} code=${recorded.code ?? 1} ;;`);
  }
  return { cases: lines.join('\n') };
}

async function write(file: string, { stdout, stderr }: Recorded): Promise<void> {
  await writeFile(`${file}.out`, stdout);
  await writeFile(`${file}.err`, stderr);
}

function smiScript(now: string, later: string, fault: Faults['smi']): string {
  const instead =
    fault === undefined
      ? ''
      : `[ "$(wc -l < "$here/calls")" -lt ${fault.from} ] || { ${INSTEAD[fault.fault]}; }`;
  return `#!/bin/sh
here=\${0%/*}
echo "nvidia-smi $*" >> "$here/calls"
${instead}
if [ -e "$here/${LOST_FILE}" ]; then echo "${LOST}"; exit 15; fi
answer= code=2
if [ -e "$here/${PARTITIONED_FILE}" ]; then
case "$*" in
${later}
  *) : ;;
esac
else
case "$*" in
${now}
  *) : ;;
esac
fi
if [ -z "$answer" ]; then
  echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
  exit 2
fi
cat "$here/$answer.err" >&2
cat "$here/$answer.out"
exit "$code"
`;
}

/** Is there for as long as its daemon, as the real one's servers are. */
const MPS_SERVER = `#!/bin/sh
trap 'kill "$sleeping"; exit' TERM
sleep 600 &
sleeping=$!
wait
`;

/** Keeps its word about what is running in its pipe folder, as the real one does in a socket there. */
function mpsScript(fault: Faults['mps']): string {
  const instead =
    fault === undefined || fault === 'missing' || fault === 'of-another-user' ? '' : INSTEAD[fault];
  const foreign = fault === 'of-another-user' ? '[ -n "$CUDA_MPS_PIPE_DIRECTORY" ] || exit 0' : '';
  return `#!/bin/sh
here=\${0%/*}
pipe=\${CUDA_MPS_PIPE_DIRECTORY:-$here/usual-pipe}
echo "nvidia-cuda-mps-control $*" >> "$here/calls"
${instead}
if [ "$1" = --version ]; then
  cat "$here/mps-version.out" 2> /dev/null
  exit
fi
if [ "$1" = -d ]; then
  "$here/nvidia-cuda-mps-server" < /dev/null > /dev/null 2>&1 &
  echo $! > "$pipe/control"
  exit
fi
read -r command
echo "mps $command" >> "$here/calls"
${foreign}
[ -e "$pipe/control" ] || exit 1
if [ "$command" = quit ]; then
  kill "$(cat "$pipe/control")"
  rm "$pipe/control"
fi
`;
}

async function program(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name);
  await writeFile(file, text);
  await chmod(file, 0o755);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
