import { programFile } from '../../../models/base/package.ts';
import { engineFor } from '../../../models/engines/index.ts';
import type { ModelFormat } from '../../../models/manifest/manifest.ts';
import { runtimePath } from './project.ts';

/**
 * A program of ours that an image starts, by its files below the folder of built ones, without their
 * extension.
 */
export interface Program {
  readonly entry: string;
  /** What it starts by itself, in threads and processes: no import leads there. */
  readonly others: readonly string[];
  /** Of the models it runs: it has the runtimes of these, and of no others. */
  readonly formats: readonly ModelFormat[];
}

/**
 * Serves one model of a format.
 *
 * @param onGpu it also says why a GPU cannot be used, which it finds out in a process of its own
 */
export function servingProgram(format: ModelFormat, onGpu = false): Program {
  return {
    entry: 'packager/server/bin',
    others: [
      'packager/server/inference-worker',
      ...(onGpu ? (engineFor(format).runtime.native?.cuda?.programs ?? []) : []),
    ],
    formats: [format],
  };
}

/** The program in the image: what Node.js is started with. */
export function programPath({ entry }: Program): string {
  return `/${runtimePath(programFile(entry))}`;
}
