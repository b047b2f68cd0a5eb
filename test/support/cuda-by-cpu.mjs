/**
 * Loaded before a program (`NODE_OPTIONS=--import=…`): the engine's CPU in place of its CUDA, where the
 * native library comes in. So all that is ours runs as it does on a card, down to the boundary of the
 * process.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Operators that are left to the CPU, with commas between. */
const left = (process.env.INFLESS_FAKE_CPU_NODES ?? '').split(',');

function onCuda(InferenceSession) {
  return class extends InferenceSession {
    #trace;

    loadModel(...args) {
      const options = args.at(-1);
      const isCuda = (options.executionProviders ?? []).includes('cuda');
      this.#trace = isCuda ? options.profileFilePrefix : undefined;
      super.loadModel(...args.slice(0, -1), isCuda ? { ...options, executionProviders: ['cpu'] } : options);
    }

    endProfiling() {
      super.endProfiling();
      if (this.#trace === undefined) return;
      const folder = dirname(this.#trace);
      for (const name of readdirSync(folder).filter((file) => file.startsWith(basename(this.#trace)))) {
        const events = JSON.parse(readFileSync(join(folder, name), 'utf8'));
        for (const { args } of events) {
          if (args?.provider !== undefined && !left.includes(args.op_name))
            args.provider = 'CUDAExecutionProvider';
        }
        writeFileSync(join(folder, name), JSON.stringify(events));
      }
    }
  };
}

const load = process.dlopen;
process.dlopen = (module, filename, ...flags) => {
  load.call(process, module, filename, ...flags);
  if (basename(filename) !== 'onnxruntime_binding.node') return;
  const { InferenceSession } = module.exports;
  module.exports = Object.create(module.exports, { InferenceSession: { value: onCuda(InferenceSession) } });
};
