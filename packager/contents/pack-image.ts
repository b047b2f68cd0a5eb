import { packageVersion } from '../../models/base/package.ts';
import { readDocument } from '../oci/document.ts';
import type { Image, Referrer } from '../oci/image.ts';
import { imageConfigSchema, type Platform } from '../oci/schema.ts';
import { sourceDate } from '../oci/source-date.ts';
import { type CudaParts, cudaParts } from './accelerator/cuda-image.ts';
import { annotationsOf } from './annotations.ts';
import type { Accelerator } from './base/default-base.ts';
import { type Base, buildPlan, composeImage, publicName } from './image.ts';
import { infoLayer, manifestDocument, profileDocument, sbomDocument } from './info-layer.ts';
import type { PackedModel } from './pack-model-files.ts';
import { sbomReferrer } from './referrer.ts';
import { runtimePackages } from './runtime/packages.ts';
import { type Program, programPath, servingProgram } from './runtime/program.ts';
import { runtimeEntries } from './runtime/runtime-entries.ts';
import { sbomText } from './sbom.ts';
import { type ServingDefaults, servingEnvironment } from './serving-environment.ts';

/** What is said about an image beside what is in it. */
export interface ImageOptions {
  /** Of the model, as its owner counts. */
  readonly version?: string | undefined;
  /** Where the model comes from, a URL. */
  readonly source?: string | undefined;
  readonly defaults?: ServingDefaults | undefined;
  /** What is to run the model beside the CPU; default: nothing. */
  readonly accelerator?: Accelerator | undefined;
  /** Folders of this machine with libraries of the accelerator that the base may be without. */
  readonly acceleratorLibraries?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The image of a model for one platform, and its SBOM as a thing of its own. */
export async function packImage(
  model: PackedModel,
  base: Base,
  platform: Platform,
  options: ImageOptions,
): Promise<{ image: Image; referrer: Referrer }> {
  const { version, source, defaults = {}, signal } = options;
  const { manifest, content, profile } = model;
  const program = servingProgram(manifest.format, options.accelerator !== undefined);
  const created = sourceDate().toISOString();
  const told = { name: publicName(base), digest: base.image.manifest.descriptor.digest };
  const cuda = await acceleratorParts(base, platform, program, options);
  const runtime = await buildPlan(
    {
      title: `serving runtime of infless ${packageVersion}`,
      entries: await runtimeEntries(program, platform, signal),
    },
    true,
    signal,
  );
  const parts = {
    name: manifest.name,
    version,
    model: manifest,
    base: told,
    packageFolders: await runtimePackages(program),
    libraries: cuda?.libraries ?? [],
  };
  const sbom = sbomDocument(await sbomText(parts));
  const description = manifestDocument(manifest);
  const table = profile && { ...profileDocument(profile.table), host: profile.table.host.fingerprint };
  const documents = [description, ...(table === undefined ? [] : [table]), sbom];
  const title = `model manifest${table === undefined ? '' : ', profile table'} and SBOM`;
  const info = await buildPlan(infoLayer(title, documents), false, signal);
  const annotations = annotationsOf({
    model: manifest,
    version,
    source,
    created,
    accelerator: options.accelerator,
    base: told,
    manifestDigest: description.digest,
    profile: table,
    sbomDigest: sbom.digest,
  });
  const environment = {
    ...servingEnvironment(manifest, content, table !== undefined, defaults),
    ...cuda?.environment,
  };
  const layers = [
    ...(cuda?.below ?? []),
    runtime,
    ...(cuda === undefined ? [] : [cuda.provider]),
    ...model.layers,
    info,
  ];
  const image = await composeImage(base, {
    program: programPath(program),
    layers,
    environment,
    node: cuda?.node,
    annotations,
    created,
  });
  return { image, referrer: sbomReferrer(image, sbom.text, created) };
}

async function acceleratorParts(
  base: Base,
  platform: Platform,
  program: Program,
  { accelerator, acceleratorLibraries: libraries = [], signal }: ImageOptions,
): Promise<CudaParts | undefined> {
  if (accelerator === undefined) return undefined;
  const config = await readDocument(base.image.config, imageConfigSchema, base.name, 'config');
  return cudaParts(base, config, platform, program, { libraries, signal });
}
