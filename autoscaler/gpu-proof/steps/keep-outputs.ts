import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../models/base/errors.ts';
import { writeFileSafely } from '../../../models/base/files.ts';
import { parseSmiCsv } from '../../../profiles/gpu/smi-csv.ts';
import { parseSmiText } from '../../../profiles/gpu/smi-text.ts';
import { knownBytes } from '../../../profiles/gpu/smi-values.ts';
import { parseSmiXml, type SmiReport } from '../../../profiles/gpu/smi-xml.ts';
import { firstCard } from '../card/absence.ts';
import { Anonymiser } from '../card/anonymise.ts';
import { RECORDINGS_FILE, type Recorded } from '../card/recorded.ts';
import type { Step } from '../step.ts';

const CARD_FIELDS = [
  'index',
  'uuid',
  'name',
  'driver_version',
  'compute_cap',
  'compute_mode',
  'mig.mode.current',
  'memory.total',
  'memory.used',
  'memory.free',
  'utilization.gpu',
  'power.draw',
  'power.limit',
  'clocks.sm',
  'clocks.mem',
  'clocks.max.sm',
  'clocks_throttle_reasons.active',
  'temperature.gpu',
  'persistence_mode',
  'pcie.link.gen.current',
  'pcie.link.width.current',
].join(',');

const CARD_QUERY = `--query-gpu=${CARD_FIELDS}`;

const STREAM_FIELDS = [
  'timestamp',
  'memory.used',
  'power.draw',
  'enforced.power.limit',
  'utilization.gpu',
  'clocks.sm',
  'clocks.mem',
  'clocks_event_reasons.active',
].join(',');

/** Each asks and sets nothing. */
const COMMANDS: readonly (readonly string[])[] = [
  ['nvidia-smi'],
  ['nvidia-smi', '-q', '-x'],
  ['nvidia-smi', '-q'],
  ['nvidia-smi', '-L'],
  ['nvidia-smi', '--version'],
  ['nvidia-smi', CARD_QUERY, '--format=csv'],
  ['nvidia-smi', CARD_QUERY, '--format=csv,noheader,nounits'],
  ['nvidia-smi', '--query-compute-apps=pid,process_name,used_memory,gpu_uuid', '--format=csv'],
  // As the profiler and the engine ask.
  [
    'nvidia-smi',
    '--query-compute-apps=gpu_uuid,pid,used_memory,process_name',
    '--format=csv,noheader,nounits',
  ],
  ['nvidia-smi', '--query-gpu=driver_version,compute_cap', '--format=csv,noheader'],
  ['nvidia-smi', `--query-gpu=${STREAM_FIELDS}`, '--format=csv,noheader,nounits'],
  ['nvidia-smi', 'mig', '-lgip'],
  ['nvidia-smi', 'mig', '-lgi'],
  ['nvidia-smi', 'vgpu', '-q'],
  ['nvidia-smi', 'topo', '-m'],
  ['nvidia-smi', 'pmon', '-c', '1'],
  ['nvidia-smi', 'dmon', '-c', '1'],
  ['nvidia-cuda-mps-control', '--version'],
  ['nvcc', '--version'],
];
const FILES = ['/proc/driver/nvidia/version', '/proc/driver/nvidia/capabilities/mig/config', '/proc/cpuinfo'];
const PROGRAMS = ['nvidia-smi', 'nvidia-cuda-mps-control', 'nvidia-cuda-mps-server', 'nvcc'];

const TIMEOUT_MS = 5000;
const MOST_CHARACTERS = 400_000;

/**
 * Step a: all that we parse of the driver's tools, in every form, kept with UUIDs and serial numbers
 * replaced.
 */
export const keepOutputs: Step = async ({ doing, record, out }) => {
  const anonymiser = new Anonymiser();
  const outputs: Record<string, Recorded> = {};
  for (const command of COMMANDS) {
    doing(command.join(' ').slice(0, 60));
    outputs[command.join(' ')] = await recorded(command, anonymiser);
    await writeFileSafely(join(out, RECORDINGS_FILE), `${JSON.stringify(outputs, null, 1)}\n`);
  }
  doing('looking at files');
  const files: Record<string, string> = {};
  for (const file of FILES) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => messageOf(error));
    files[file] = anonymiser.clean(text).slice(0, 3000);
  }
  const programs = Object.fromEntries(
    await Promise.all(PROGRAMS.map(async (program) => [program, await which(program)] as const)),
  );
  const answered = Object.values(outputs).filter(({ code }) => code === 0).length;
  record({ files, programs, answered, commands: COMMANDS.length });
  const card = await firstCard(doing);
  if ('verdict' in card) return card.verdict;
  const report = parseSmiXml(outputs['nvidia-smi -q -x']!.stdout);
  const disagreements = disagreementsIn(outputs, report);
  record({ report, disagreements });
  const { gpu } = card;
  const mps = programs['nvidia-cuda-mps-control'] === undefined ? 'no MPS programs' : 'MPS programs';
  const mig = gpu.migEnabled === null ? 'cannot be partitioned' : `MIG ${gpu.migEnabled ? 'on' : 'off'}`;
  return {
    outcome: disagreements.length === 0 ? 'passed' : 'failed',
    sentence:
      `${gpu.model}, driver ${report.driverVersion}, CUDA ${report.cudaVersion}, ${gpu.computeMode}, ${mig}, ${mps}; ` +
      `${answered} of ${COMMANDS.length} commands answered${disagreements.length === 0 ? '' : `, and not alike: ${disagreements.join(', ')}`}.`,
  };
};

/**
 * Facts that the forms of an answer tell differently, as we read them; forms that were not answered tell
 * nothing.
 */
function disagreementsIn(outputs: Readonly<Record<string, Recorded>>, report: SmiReport): readonly string[] {
  const expected = factsOf(report);
  const found: string[] = [];
  const compare = (form: string, facts: readonly Facts[]): void => {
    for (const [index, fact] of facts.entries()) {
      for (const [name, value] of Object.entries(fact)) {
        if (value !== expected[index]?.[name]) found.push(`${name} in ${form}`);
      }
    }
  };
  const list = outputs['nvidia-smi -q'];
  if (list?.code === 0) compare('-q', factsOf(parseSmiText(list.stdout)));
  const table = outputs[`nvidia-smi ${CARD_QUERY} --format=csv`];
  if (table?.code === 0) {
    const rows = parseSmiCsv(table.stdout);
    compare(
      'csv',
      rows.map((row) => ({
        model: row.name ?? 'unknown',
        uuid: row.uuid ?? null,
        memoryBytes: knownBytes(row['memory.total'] ?? undefined),
        computeMode: row.compute_mode ?? null,
      })),
    );
  }
  return found;
}

type Facts = Readonly<Record<string, string | number | null>>;

/** What does not change from one moment to the next. */
function factsOf({ gpus }: SmiReport): readonly Facts[] {
  return gpus.map(({ model, uuid, memoryBytes, computeMode }) => ({ model, uuid, memoryBytes, computeMode }));
}

function recorded([program, ...args]: readonly string[], anonymiser: Anonymiser): Promise<Recorded> {
  const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 16 << 20 } as const;
  return new Promise((resolve) => {
    execFile(program!, args, options, (error, stdout, stderr) => {
      const why = error === null || typeof error.code === 'number' ? stderr : `${stderr}${messageOf(error)}`;
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : null,
        stdout: anonymiser.clean(stdout).slice(0, MOST_CHARACTERS),
        stderr: anonymiser.clean(why).slice(0, MOST_CHARACTERS),
      });
    });
  });
}

async function which(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, program);
    if (
      await readFile(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}
