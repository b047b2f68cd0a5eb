import { programFile } from '../../../models/base/package.ts';
import { runtimePath } from './project.ts';

/** A program of ours that an image starts, by its files below the folder of built ones, without their extension. */
export interface Program {
  readonly entry: string;
  /** What it starts by itself, in threads and processes: no import leads there. */
  readonly others: readonly string[];
}

/** Serves one model. */
export const SERVING_PROGRAM: Program = {
  entry: 'packager/server/bin',
  others: ['packager/server/inference-worker'],
};

/** The program in the image: what Node.js is started with. */
export function programPath({ entry }: Program): string {
  return `/${runtimePath(programFile(entry))}`;
}
