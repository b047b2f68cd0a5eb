import { systemClock } from '../../models/base/clock.ts';
import type { Controller } from '../control/controller.ts';
import { LocalPlatform, type LocalPlatformOptions } from '../fleet/local/local-platform.ts';
import { AllowedPaths } from '../functions/allowed-paths.ts';
import { FunctionStore } from '../functions/function-store.ts';
import { SecretFiles } from '../functions/secrets/secret-files.ts';
import { StoredFunctions } from '../functions/stored-functions.ts';
import { DEFAULT_NAMESPACE } from '../gateway/function-address.ts';
import { localImage } from '../gateway/image-reading.ts';
import type { Backend, BackendParts } from './backend.ts';

export interface LocalBackendOptions extends LocalPlatformOptions {
  /** Where functions declared by REST may name files, beside cache and state folder; default: all. */
  readonly modelFolders?: readonly string[];
}

/** This machine: instances are its processes, and all is kept in a state folder. */
export class LocalBackend implements Backend {
  readonly platform: LocalPlatform;
  readonly secrets: SecretFiles;
  readonly namespace = DEFAULT_NAMESPACE;
  readonly imageReading = localImage;
  readonly #options: LocalBackendOptions;

  constructor(options: LocalBackendOptions) {
    this.platform = new LocalPlatform(options);
    this.secrets = new SecretFiles(options.stateDirectory);
    this.#options = options;
  }

  attach(controller: Controller): BackendParts {
    const { stateDirectory, clock = systemClock, onNote: note = () => {}, modelFolders } = this.#options;
    const registry = new StoredFunctions(controller, new FunctionStore(stateDirectory), {
      clock,
      note,
      ...(modelFolders === undefined
        ? {}
        : { allowedPaths: new AllowedPaths([...modelFolders, stateDirectory]) }),
    });
    return { registry, duties: { start() {}, async stop() {} } };
  }

  async close(): Promise<void> {}
}
