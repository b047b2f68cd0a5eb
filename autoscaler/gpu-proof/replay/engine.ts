/**
 * Loaded before any program of a replay: puts the engine's CPU in the place of its CUDA, where the native
 * library comes in, with its planning anew for each shape, and lets go wrong what is to go wrong. A process
 * that loads no engine notices nothing of it.
 */
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Faults, LOST_FILE, PARTITIONED_FILE, REPLAY_FOLDER } from './faults.ts';

const folder = process.env[REPLAY_FOLDER];
const faults = JSON.parse(process.env.INFLESS_REPLAY_ENGINE ?? '{}') as Faults;

interface Options {
  readonly executionProviders?: readonly (string | { readonly name: string })[];
  readonly profileFilePrefix?: string;
}

interface NativeSession {
  loadModel(...args: unknown[]): void;
  run(...args: unknown[]): unknown;
  endProfiling(): void;
}

interface Binding {
  InferenceSession: new () => NativeSession;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function misbehave(fault: NonNullable<Faults['engine']>['fault']): never {
  switch (fault) {
    case 'hangs':
      for (;;) pause(1000);
    case 'vanishes':
      process.kill(process.pid, 'SIGKILL');
      for (;;) pause(1000);
    case 'card-lost':
      if (folder !== undefined) writeFileSync(join(folder, LOST_FILE), '');
      throw new Error(
        'CUDA failure 719: unspecified launch failure ; GPU=0 ; expr=cudaStreamSynchronize(stream)',
      );
    case 'mig-changed':
      if (folder !== undefined) writeFileSync(join(folder, PARTITIONED_FILE), '');
      throw new Error('CUDA failure 46: all CUDA-capable devices are busy or unavailable ; GPU=0');
    case 'throws':
      throw new Error('CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ; GPU=0');
  }
}

/** Runs on the card of all processes together, counted by the bytes of a file. */
function onCard(): void {
  const { engine } = faults;
  if (engine === undefined || folder === undefined) return;
  const counter = join(folder, 'runs');
  appendFileSync(counter, '.');
  if (statSync(counter).size >= engine.from) misbehave(engine.fault);
}

/** What cuDNN takes when the shape of a convolution is another one than in the run before. */
const PLANNING_MS = 10;

function shapesOf(feeds: unknown): string {
  const tensors = Object.values((feeds ?? {}) as Record<string, { readonly dims?: readonly number[] }>);
  return tensors.map(({ dims }) => String(dims)).join(';');
}

function played({ InferenceSession }: Binding): Binding['InferenceSession'] {
  return class extends InferenceSession {
    #isOnCard = false;
    #trace: string | undefined;
    #planned = '';

    override loadModel(...args: unknown[]): void {
      const options = (args.at(-1) ?? {}) as Options;
      const names = (options.executionProviders ?? []).map((each) =>
        typeof each === 'string' ? each : each.name,
      );
      this.#isOnCard = names.includes('cuda');
      this.#trace = options.profileFilePrefix;
      if (!this.#isOnCard) {
        super.loadModel(...args);
        return;
      }
      if (faults.engine?.from === 0) misbehave(faults.engine.fault);
      if (faults.mps === 'of-another-user' && process.env.CUDA_MPS_ACTIVE_THREAD_PERCENTAGE !== undefined) {
        throw new Error(
          'CUDA failure 805: MPS client failed to connect to the MPS control daemon or the MPS server',
        );
      }
      super.loadModel(...args.slice(0, -1), { ...options, executionProviders: ['cpu'] });
    }

    override run(...args: unknown[]): unknown {
      if (this.#isOnCard) {
        onCard();
        this.#plan(shapesOf(args[0]));
      }
      return super.run(...args);
    }

    #plan(shapes: string): void {
      if (shapes !== this.#planned) pause(PLANNING_MS);
      this.#planned = shapes;
    }

    override endProfiling(): void {
      super.endProfiling();
      if (!this.#isOnCard || this.#trace === undefined) return;
      for (const name of readdirSync(dirname(this.#trace))) {
        if (!name.startsWith(`${basename(this.#trace)}_`)) continue;
        const file = join(dirname(this.#trace), name);
        writeFileSync(
          file,
          readFileSync(file, 'utf8').replaceAll('CPUExecutionProvider', 'CUDAExecutionProvider'),
        );
      }
    }
  };
}

const load = process.dlopen;
process.dlopen = (module: object, filename: string, flags?: number): void => {
  load.call(process, module, filename, ...(flags === undefined ? [] : [flags]));
  if (basename(filename) !== 'onnxruntime_binding.node') return;
  const holder = module as { exports: Binding };
  const InferenceSession = played(holder.exports);
  holder.exports = Object.create(holder.exports, {
    InferenceSession: { value: InferenceSession },
  }) as Binding;
};
