import { z } from 'zod';

/** What a program answered, as it is kept and replayed. */
export const recordedSchema = z.object({
  code: z.number().int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
});
export type Recorded = Readonly<z.infer<typeof recordedSchema>>;

/** By command line: `nvidia-smi -q -x`. */
export const recordingsSchema = z.record(z.string(), recordedSchema);
export type Recordings = Readonly<z.infer<typeof recordingsSchema>>;

export const RECORDINGS_FILE = 'outputs.json';
