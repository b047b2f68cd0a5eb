import { packageVersion } from '../models/base/package.ts';
import { baseAnnotations, OCI_ANNOTATION } from './contents/annotations.ts';
import { type Base, buildPlan, composeImage, publicName } from './contents/image.ts';
import { infoLayer, sbomDocument } from './contents/info-layer.ts';
import { sbomReferrer } from './contents/referrer.ts';
import { runtimePackages } from './contents/runtime/packages.ts';
import { type Program, programPath } from './contents/runtime/program.ts';
import { runtimeEntries } from './contents/runtime/runtime-entries.ts';
import { sbomText } from './contents/sbom.ts';
import type { Image, Referrer } from './oci/image.ts';
import type { Platform } from './oci/schema.ts';
import { sourceDate } from './oci/source-date.ts';
import { type PackedImages, type PackingOptions, packForEach } from './packed-images.ts';

export interface PackProgramOptions extends PackingOptions {
  readonly program: Program;
  /** What the image is called, and what it is, in a sentence; for people. */
  readonly title: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Packs a program of ours, without a model: the same layers on the same bases as serving images have, with
 * the same promise of the same digests on every machine.
 *
 * @throws InflessError for a base that cannot be used; the signal's reason when aborted
 */
export function packProgram(options: PackProgramOptions): Promise<PackedImages> {
  return packForEach(options, (base, platform) => packOn(base, platform, options));
}

async function packOn(
  base: Base,
  platform: Platform,
  { program, title, description, environment, signal }: PackProgramOptions,
): Promise<{ image: Image; referrer: Referrer }> {
  const created = sourceDate().toISOString();
  const told = { name: publicName(base), digest: base.image.manifest.descriptor.digest };
  const runtime = await buildPlan(
    {
      title: `${title} ${packageVersion}`,
      entries: await runtimeEntries(program, platform, signal),
    },
    true,
    signal,
  );
  const sbom = sbomDocument(
    await sbomText({
      name: title,
      version: packageVersion,
      base: told,
      packageFolders: await runtimePackages(program),
    }),
  );
  const info = await buildPlan(infoLayer('SBOM', [sbom]), false, signal);
  const image = await composeImage(base, {
    program: programPath(program),
    layers: [runtime, info],
    environment,
    annotations: {
      [OCI_ANNOTATION.title]: title,
      [OCI_ANNOTATION.description]: description,
      [OCI_ANNOTATION.version]: packageVersion,
      ...baseAnnotations(told, created),
    },
    created,
  });
  return { image, referrer: sbomReferrer(image, sbom.text, created) };
}
