/** An engine's runtime, as an image has it. */
export interface EngineRuntime {
  /**
   * What only this engine imports: an image of another format does without them, and without what they
   * import.
   */
  readonly packages: readonly string[];
  /** What is read at run time and named by no import: `package/path`. */
  readonly files: readonly string[];
  /** Libraries that each platform has others of. */
  readonly native?: NativeLibraries;
}

/** What of a runtime is compiled for a platform. */
export interface NativeLibraries {
  /** The npm package that brings them for all platforms. */
  readonly package: string;
  /**
   * Where they all lie, `package/folder/`: which of them an image gets, its platform says and not the machine
   * that packs it.
   */
  readonly folder: string;
  /**
   * Those of one platform.
   *
   * @param manifest the package's package.json, by whose path the files are named
   * @throws InflessError INVALID_INPUT for a platform that there are none for
   */
  files(manifest: string, platform: TargetPlatform): Promise<readonly string[]>;
  /** Undefined where images run models on CPUs alone. */
  readonly cuda?: CudaFiles;
}

/** In Go's words, as images have it: `linux`, `amd64`. */
export interface TargetPlatform {
  readonly os: string;
  readonly architecture: string;
}

/** What an image that computes on NVIDIA GPUs has of an engine beside its libraries for the CPU. */
export interface CudaFiles {
  /**
   * Our programs that find out why a GPU cannot be used, by their files below the folder of built ones,
   * without extension.
   */
  readonly programs: readonly string[];
  /** Folders that hold libraries of CUDA among a folder and, where pip has installed into it, those below. */
  foldersIn(folder: string): readonly string[];
  /** Whether a folder, or what pip has installed into it, has the provider. */
  isIn(folder: string): Promise<boolean>;
  /**
   * The provider: beside the engine's own libraries, or in other folders.
   *
   * @param own the folder of the engine's libraries
   * @param folders that may have it; what pip has installed into them counts
   * @throws InflessError INVALID_INPUT for a platform that has none; ACCELERATOR_UNAVAILABLE where it is not
   * there, or is that of another version than the engine
   */
  files(own: string, platform: TargetPlatform, folders: readonly string[]): Promise<readonly string[]>;
}
