import { createHash } from 'node:crypto';
import si from 'systeminformation';
import { readGpus } from './gpu/nvidia-smi.ts';
import type { Host } from './host-schema.ts';

/** Instruction sets that inference kernels choose between: x86 vectors and matrices, then ARM's. */
const VECTOR_FLAG =
  /^(sse4_[12]|avx\w*|fma\w*|f16c|amx_\w+|vnni|neon|asimd\w*|sve\w*|sme\w*|i8mm|bf16|fphp)$/;

let known: Promise<Host> | undefined;

/** Reads what this machine is. It does not change while a process lives, so it is read once. */
export function readHost(): Promise<Host> {
  known ??= read();
  return known;
}

/** Whether a table measured on one host speaks for the other. */
export function sameHost(a: Host, b: Host): boolean {
  return a.fingerprint === b.fingerprint;
}

async function read(): Promise<Host> {
  const [cpu, memory, os, gpus] = await Promise.all([si.cpu(), si.mem(), si.osInfo(), gpusOf()]);
  const facts = {
    cpuModel: cpuModel(cpu),
    cpuFlags: cpu.flags
      .split(/\s+/)
      .filter((flag) => VECTOR_FLAG.test(flag))
      .sort(),
    arch: process.arch,
    gpus,
  };
  return {
    ...facts,
    cpuCores: cpu.cores,
    memoryBytes: memory.total,
    platform: process.platform,
    kernel: os.kernel,
    node: process.version,
    fingerprint: fingerprintOf(facts),
  };
}

/**
 * Hashes what decides the speed of a config. Not the number of cores or the memory: a config names its own
 * share of them. Not the kernel or Node.js: an upgrade should not throw away every table.
 */
export function fingerprintOf(facts: Pick<Host, 'cpuModel' | 'cpuFlags' | 'arch' | 'gpus'>): string {
  const decisive = [facts.cpuModel, facts.cpuFlags, facts.arch, facts.gpus.map((gpu) => gpu.model)];
  return `sha256:${createHash('sha256').update(JSON.stringify(decisive)).digest('hex')}`;
}

/** Hypervisors often shorten the brand ("AMD EPYC"); family and model still tell the generations apart. */
function cpuModel(cpu: si.Systeminformation.CpuData): string {
  const name = `${cpu.manufacturer} ${cpu.brand}`.trim();
  return cpu.family === '' ? name : `${name} (family ${cpu.family}, model ${cpu.model})`;
}

/**
 * Without a driver, or with one that does not answer, nothing can run there. A GPU that hides its memory
 * counts 0.
 */
async function gpusOf(): Promise<Host['gpus']> {
  const inventory = await readGpus();
  if ('absence' in inventory) return [];
  return inventory.report.gpus.map(({ model, memoryBytes }) => ({ model, memoryBytes: memoryBytes ?? 0 }));
}
