import type { ModelManifest } from '../../models/manifest/manifest.ts';
import type { ProfileTable } from '../../profiles/table.ts';
import { digestOf } from '../oci/blob.ts';
import type { Digest } from '../oci/schema.ts';
import { textEntry } from './file-entry.ts';
import type { LayerPlan } from './model/model-entries.ts';

/** Where an image says what is in it. */
export const INFO_PATHS = {
  manifest: 'infless/manifest.json',
  profile: 'infless/profile.json',
  sbom: 'infless/sbom.cdx.json',
} as const;

/** A document of the image, by its path there. */
export interface InfoDocument {
  readonly path: string;
  readonly text: string;
  readonly digest: Digest;
}

/** What the model is, with its inputs and outputs: the serving process starts by it, clients may read it. */
export function manifestDocument(model: ModelManifest): InfoDocument {
  return documentOf(INFO_PATHS.manifest, model);
}

/** How fast the model is with how much. */
export function profileDocument(table: ProfileTable): InfoDocument {
  return documentOf(INFO_PATHS.profile, table);
}

export function sbomDocument(text: string): InfoDocument {
  return { path: INFO_PATHS.sbom, text, digest: digestOf(text) };
}

/** The topmost layer: small, so that what changes most often costs least. */
export function infoLayer(title: string, documents: readonly InfoDocument[]): LayerPlan {
  return {
    title,
    entries: documents.map(({ path, text }) => textEntry(path, text)),
  };
}

function documentOf(path: string, value: unknown): InfoDocument {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  return { path, text, digest: digestOf(text) };
}
