import { z } from 'zod';

/** The `(b, c, g)` of one instance: largest batch, CPU quota, share of one GPU's SMs. */
export const configSchema = z.object({
  batch: z.number().int().min(1),
  cpuMillicores: z.number().int().min(1),
  gpuPercent: z.number().min(0).max(100),
});
export type Config = Readonly<z.infer<typeof configSchema>>;

/** `b4 c0.5`, with `g20` behind where there is a GPU share: short enough for a table column. */
export function formatConfig(config: Config): string {
  const gpu = config.gpuPercent > 0 ? ` g${Number(config.gpuPercent.toFixed(2))}` : '';
  return `b${config.batch} c${config.cpuMillicores / 1000}${gpu}`;
}

/** A map key; equal configs have equal keys. */
export function configKey(config: Config): string {
  return `${config.batch}/${config.cpuMillicores}/${config.gpuPercent}`;
}

/** The order in which people read configs: by GPU share, CPU quota, batch. */
export function compareConfigs(a: Config, b: Config): number {
  return a.gpuPercent - b.gpuPercent || a.cpuMillicores - b.cpuMillicores || a.batch - b.batch;
}
