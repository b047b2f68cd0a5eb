import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import parseLicense from 'spdx-expression-parse';
import type { ModelManifest } from '../../models/manifest/manifest.ts';
import { sourceDate } from '../oci/source-date.ts';

export const SBOM_MEDIA_TYPE = 'application/vnd.cyclonedx+json';

export interface SbomParts {
  /** Of the image. */
  readonly name: string;
  readonly version: string | undefined;
  /** Of an image that serves one. */
  readonly model?: ModelManifest;
  readonly base: { readonly name: string | undefined; readonly digest: string };
  /** Folders of the npm packages that the runtime layer has files of. */
  readonly packageFolders: readonly string[];
  /** Shared libraries of this machine that were added to those of the base, by name. */
  readonly libraries?: readonly string[] | undefined;
}

type PackageJson = Parameters<Contrib.FromNodePackageJson.Builders.ComponentBuilder['makeComponent']>[0];

/**
 * What an image is made of, as CycloneDX 1.6: its model, the base and every npm package and shared library
 * that was added. Without serial number, and with the time that all of the image bears, because the same
 * image has the same SBOM.
 */
export async function sbomText(parts: SbomParts): Promise<string> {
  const { name, version, model, base } = parts;
  const image = component(Enums.ComponentType.Container, name, {
    bomRef: 'image',
    ...(version === undefined ? {} : { version }),
  });
  const contents = [
    ...(model === undefined ? [] : [modelComponent(model)]),
    component(Enums.ComponentType.Container, base.name ?? 'base', {
      bomRef: `base:${base.digest}`,
      version: base.digest,
      hashes: hashOf(base.digest),
    }),
    ...(await npmComponents(parts.packageFolders)),
    ...(parts.libraries ?? []).map((library) =>
      component(Enums.ComponentType.Library, library, { bomRef: `library:${library}` }),
    ),
  ];
  for (const part of contents) image.dependencies.add(part.bomRef);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: image, timestamp: sourceDate() }),
    components: new Models.ComponentRepository(contents),
  });
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(normalizer).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(
  type: Enums.ComponentType,
  name: string,
  properties: Models.OptionalComponentProperties,
): Models.Component {
  return new Models.Component(type, name, properties);
}

function modelComponent({ name, digest }: ModelManifest): Models.Component {
  return component(Enums.ComponentType.MachineLearningModel, name, {
    bomRef: `model:${digest}`,
    version: digest,
    hashes: hashOf(digest),
  });
}

function hashOf(digest: string): Models.HashDictionary {
  return new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], digest.slice('sha256:'.length)]]);
}

const npmBuilder = new Contrib.FromNodePackageJson.Builders.ComponentBuilder(
  new Contrib.FromNodePackageJson.Factories.ExternalReferenceFactory(),
  new Contrib.License.Factories.LicenseFactory(parseLicense),
);

/**
 * Each version of a package once, however many copies are installed: the library makes up names for whatever
 * is there twice.
 */
async function npmComponents(folders: readonly string[]): Promise<readonly Models.Component[]> {
  const components = await Promise.all(folders.map(npmComponent));
  return [...new Map(components.map((part) => [part.bomRef.value, part])).values()];
}

async function npmComponent(folder: string): Promise<Models.Component> {
  const data = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson;
  const built = npmBuilder.makeComponent(data);
  if (built === undefined) throw new Error(`${folder} has a package.json without a name`);
  const name = built.group === undefined ? built.name : `${built.group}/${built.name}`;
  built.purl = `pkg:npm/${name.replace('@', '%40')}@${built.version}`;
  built.bomRef.value = built.purl;
  return built;
}
