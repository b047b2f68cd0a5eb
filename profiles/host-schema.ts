import { z } from 'zod';

/** Where a table was measured: enough to tell whether it speaks for another host. */
export const hostSchema = z.object({
  cpuModel: z.string(),
  cpuCores: z.number().int().positive(),
  cpuFlags: z.array(z.string()),
  memoryBytes: z.number().int().positive(),
  platform: z.string(),
  arch: z.string(),
  kernel: z.string(),
  node: z.string(),
  gpus: z.array(z.object({ model: z.string(), memoryBytes: z.number().int().nonnegative() })),
  /** `sha256:<hex>` over what decides speed: CPU model and vector flags, arch, GPUs. */
  fingerprint: z.string(),
});
export type Host = Readonly<z.infer<typeof hostSchema>>;

/** Of a table that somebody else measured, or somewhere else: it speaks for no host that is known. */
export const UNKNOWN_HOST: Host = {
  cpuModel: 'unknown',
  cpuCores: 1,
  cpuFlags: [],
  memoryBytes: 1,
  platform: 'unknown',
  arch: 'unknown',
  kernel: 'unknown',
  node: 'unknown',
  gpus: [],
  fingerprint: 'unknown',
};
