import { createRequire } from 'node:module';
import { InflessError, messageOf } from '../base/errors.ts';

export type OnnxRuntime = typeof import('onnxruntime-node');

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** Name and version of the runtime, as profile tables record it. */
export const runtimeVersion = `onnxruntime-node ${version}`;

let loading: Promise<OnnxRuntime> | undefined;

/**
 * The runtime, loaded on first use: it is a native library of 40 MB, which a program that runs no model should
 * not pay for.
 */
export function loadRuntime(): Promise<OnnxRuntime> {
  loading ??= import('onnxruntime-node').catch((error: unknown) => {
    throw new InflessError(
      'PLATFORM_FAILED',
      `${runtimeVersion} cannot be loaded on this machine: ${messageOf(error)}`,
      {
        remedy: 'It needs 64-bit Linux with glibc 2.28 or later, macOS or Windows; reinstall with npm ci.',
        cause: error,
      },
    );
  });
  return loading;
}
