import { createRequire } from 'node:module';
import { InflessError, messageOf } from '../../base/errors.ts';

export type OnnxRuntime = typeof import('onnxruntime-node');

const require = createRequire(import.meta.url);

/**
 * Name and version of the runtime, as profile tables record it. Looked up when asked: an image of another
 * format has no ONNX runtime.
 */
export function runtimeVersion(): string {
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return `onnxruntime-node ${version}`;
}

let loading: Promise<OnnxRuntime> | undefined;

/**
 * The runtime, loaded on first use: it is a native library of 40 MB, which a program that runs no model
 * should not pay for.
 */
export function loadRuntime(): Promise<OnnxRuntime> {
  loading ??= load();
  return loading;
}

async function load(): Promise<OnnxRuntime> {
  try {
    const runtime = await import('onnxruntime-node');
    // what matters comes back as an error; the rest would fill a user's terminal
    runtime.env.logLevel = 'fatal';
    return runtime;
  } catch (error) {
    throw new InflessError(
      'PLATFORM_FAILED',
      `onnxruntime-node cannot be loaded on this machine (${messageOf(error)})`,
      {
        remedy: 'It runs on 64-bit Linux with glibc, macOS and Windows; there, install infless again.',
        cause: error,
      },
    );
  }
}
