import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { packageRoot } from '../../models/base/package.ts';
import { type TinyGraph, tensorInfo } from './tiny-models.ts';

/** A Python that has `tritonclient[http]`, as INFLESS_TRITON_PYTHON may name it. */
const PYTHON = process.env.INFLESS_TRITON_PYTHON ?? 'python3';

/** Leaves a test out, saying why, where Triton's client is not installed. */
export function needsTritonClient(context: TestContext): void {
  const { status } = spawnSync(PYTHON, ['-c', 'import tritonclient.http']);
  if (status !== 0) context.skip(`needs tritonclient[http] in ${PYTHON} (INFLESS_TRITON_PYTHON)`);
}

/** Runs all of triton-calls.py against a server of {@link echoGraph}; fails with what it fails with. */
export async function tritonClient(address: string, model: string): Promise<void> {
  await promisify(execFile)(PYTHON, [join(packageRoot, 'test/support/triton-calls.py'), address, model]);
}

/** A model that gives back what it takes: numbers, 64-bit integers and texts. */
export function echoGraph(): TinyGraph {
  const tensors = [
    ['floats', 'float32', ['n', 3]],
    ['ids', 'int64', ['n']],
    ['texts', 'string', ['n', 1]],
  ] as const;
  return {
    inputs: tensors.map(([name, dtype, dims]) => tensorInfo(name, dtype, dims)),
    outputs: tensors.map(([name, dtype, dims]) => tensorInfo(`${name}_out`, dtype, dims)),
    nodes: tensors.map(([name]) => ({ opType: 'Identity', input: [name], output: [`${name}_out`] })),
  };
}
