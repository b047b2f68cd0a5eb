import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { packageRoot } from '../../models/base/package.ts';

/** Answers with a recorded output, and notes how it was called. */
const NVIDIA_SMI = `#!/bin/sh
here=$(dirname "$0")
echo "nvidia-smi $*" >> "$here/calls"
case "$*" in
  "-q -x") cat "$here/smi.xml" ;;
  "-L") cat "$here/list" ;;
  --query-compute-apps=*) cat "$here/apps" 2> /dev/null || exit 9 ;;
  --query-gpu=*-lms*)
    refused=$(cat "$here/refused" 2> /dev/null)
    case "$*" in *"\${refused:-nothing}"*) echo "Field \\"$refused\\" is not a valid field to query."; exit 2 ;; esac
    while [ -e "$here/stream" ]; do
      echo "$(date '+%Y/%m/%d %H:%M:%S.%3N'), $(cat "$here/stream")"
      sleep 0.03
    done ;;
  *) exit 2 ;;
esac
`;

/**
 * Keeps its word about what is running in a file in its pipe folder, as the real one does in a socket there.
 */
const MPS_CONTROL = `#!/bin/sh
here=$(dirname "$0")
pipe=\${CUDA_MPS_PIPE_DIRECTORY:-$here/usual-pipe}
if [ "$1" = -d ]; then
  echo "mps start on $CUDA_VISIBLE_DEVICES, log folder \${CUDA_MPS_LOG_DIRECTORY:+given}" >> "$here/calls"
  touch "$pipe/control"
  exit
fi
read -r command
[ -e "$pipe/control" ] || exit 1
echo "mps $command" >> "$here/calls"
[ "$command" != quit ] || rm "$pipe/control"
`;

const BROKEN_SMI = `#!/bin/sh
echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that it runs."
exit 9
`;

/**
 * What a GPU machine has on its PATH, for machines that have none: programs that answer as recorded and write
 * down how they were called. They stand first on the PATH of this process, and of what it starts, until the
 * test ends.
 */
export class FakeGpu {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param recorded a file of test/profiles/fixtures/nvidia-smi, without which the driver does not answer */
  static async open(recorded?: string, options: { readonly mps?: boolean } = {}): Promise<FakeGpu> {
    const directory = await mkdtemp(join(tmpdir(), 'infless-fake-gpu-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const fake = new FakeGpu(directory);
    await fake.#program('nvidia-smi', recorded === undefined ? BROKEN_SMI : NVIDIA_SMI);
    if (options.mps !== false) await fake.#program('nvidia-cuda-mps-control', MPS_CONTROL);
    if (recorded !== undefined) await fake.record(recorded);
    vi.stubEnv('PATH', `${directory}${delimiter}${process.env.PATH}`);
    vi.stubEnv('CUDA_MPS_PIPE_DIRECTORY', undefined);
    vi.stubEnv('TMPDIR', directory); // what other sweeps leave behind is not this test's
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    return fake;
  }

  /** What `nvidia-smi -q -x` answers from now on: a file of test/profiles/fixtures/nvidia-smi. */
  async record(name: string): Promise<void> {
    const fixture = join(packageRoot, 'test/profiles/fixtures/nvidia-smi', `${name}.xml`);
    await copyFile(fixture, join(this.directory, 'smi.xml'));
  }

  /** Puts something else into what `nvidia-smi -q -x` answers. */
  async replace(text: string, by: string): Promise<void> {
    const file = join(this.directory, 'smi.xml');
    const xml = await readFile(file, 'utf8');
    if (!xml.includes(text)) throw new Error(`${text} is not in the recorded answer`);
    await writeFile(file, xml.replaceAll(text, by));
  }

  /** The card of the recorded answer several times over, by these UUIDs: cards come and go so. */
  async cards(recorded: string, uuids: readonly string[]): Promise<void> {
    await this.record(recorded);
    const file = join(this.directory, 'smi.xml');
    const xml = await readFile(file, 'utf8');
    const [card] = /<gpu[ >].*<\/gpu>/s.exec(xml)!;
    const cards = uuids.map((uuid) => card.replace(/<uuid>.*?<\/uuid>/, `<uuid>${uuid}</uuid>`));
    await writeFile(file, xml.replace(card, cards.join('\n')));
  }

  /** What `nvidia-smi -L` answers. */
  list(text: string): Promise<void> {
    return writeFile(join(this.directory, 'list'), text);
  }

  /**
   * What a query that goes on tells again and again behind the time: values in the order of the query. It
   * ends without.
   */
  stream(values: string | undefined): Promise<void> {
    const file = join(this.directory, 'stream');
    return values === undefined ? rm(file, { force: true }) : writeFile(file, values);
  }

  /** A field that this driver does not know. */
  refuse(field: string): Promise<void> {
    return writeFile(join(this.directory, 'refused'), field);
  }

  /** Somebody else's MPS daemon, at the usual place. */
  async serveMps(): Promise<void> {
    await mkdir(join(this.directory, 'usual-pipe'));
    await writeFile(join(this.directory, 'usual-pipe', 'control'), '');
  }

  /** A daemon of ours, and who is written down as needing it. @returns its folder */
  async leaveMps(holders: readonly number[]): Promise<string> {
    const folder = join(this.directory, `infless-mps-${userInfo().uid}`);
    for (const name of ['pipe', 'log', 'holders']) await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, 'pipe', 'control'), '');
    for (const pid of holders) await writeFile(join(folder, 'holders', String(pid)), '');
    return folder;
  }

  /** Calls in order; those of nvidia-smi, which come often, once. */
  async calls(): Promise<readonly string[]> {
    const text = await readFile(join(this.directory, 'calls'), 'utf8').catch(() => '');
    return [...new Set(text.split('\n').filter((line) => line !== ''))];
  }

  async #program(name: string, text: string): Promise<void> {
    const file = join(this.directory, name);
    await writeFile(file, text);
    await chmod(file, 0o755);
  }
}
