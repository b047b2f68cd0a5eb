import { rowsOf } from '../../manifest/feeds.ts';
import type { ModelFile, ModelManifest } from '../../manifest/manifest.ts';
import type { NamedTensors } from '../../manifest/tensor.ts';
import type { EngineResources, EngineSession } from '../engine.ts';
import { Program } from './program.ts';

/** A loaded TF.js model. */
export class TfjsSession implements EngineSession {
  readonly manifest: ModelManifest;
  readonly spinning = false;
  readonly #program: Program;

  private constructor(manifest: ModelManifest, program: Program) {
    this.manifest = manifest;
    this.#program = program;
  }

  static async open({ path, manifest }: ModelFile, resources: EngineResources): Promise<TfjsSession> {
    return new TfjsSession(manifest, await Program.load(path, resources));
  }

  get threads(): number {
    return this.#program.threads;
  }

  async run(feeds: NamedTensors): Promise<NamedTensors> {
    rowsOf(this.manifest, feeds); // TensorFlow.js would take some wrong shapes, and answer nonsense
    return this.#program.run(this.manifest.name, feeds);
  }

  async close(): Promise<void> {
    this.#program.dispose();
  }
}
