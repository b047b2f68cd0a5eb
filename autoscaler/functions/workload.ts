/** What an instance of a function runs. `version` changes when any of it does. */
export interface Workload {
  readonly version: string;
  /** A model file or zoo name (local), or an image reference (Kubernetes). */
  readonly model: string;
  readonly modelName: string;
  readonly sloMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Names of secrets its instances can read, each a file of this name in the folder of secrets. */
  readonly secrets: readonly string[];
}
