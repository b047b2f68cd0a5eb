/** One config as the bound sees it. */
export interface BoundConfig {
  readonly price: number;
  readonly ratePerSecond: number;
  readonly cpuMillicores: number;
  readonly gpuPercent: number;
}

export interface LpBound {
  /** The least price that carries these rates, one a function; undefined where the cluster cannot. */
  cheapest(rates: readonly number[]): number | undefined;
}

export function lpBound(
  functions: readonly (readonly BoundConfig[])[],
  cluster: { readonly cpuMillicores: number; readonly gpuPercent: number },
): Promise<LpBound>;
