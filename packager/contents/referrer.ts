import { bytesBlob, jsonBlob } from '../oci/blob.ts';
import type { Image, Referrer } from '../oci/image.ts';
import { MEDIA_TYPES } from '../oci/media-types.ts';
import type { ImageManifest } from '../oci/schema.ts';
import { OCI_ANNOTATION } from './annotations.ts';
import { SBOM_MEDIA_TYPE } from './sbom.ts';

/** The SBOM as a thing of its own that points at the image: scanners find it without pulling the image. */
export function sbomReferrer(image: Image, sbom: string, created: string): Referrer {
  const config = bytesBlob(Buffer.from('{}'), MEDIA_TYPES.empty);
  const content = bytesBlob(Buffer.from(sbom), SBOM_MEDIA_TYPE);
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: SBOM_MEDIA_TYPE,
    config: config.descriptor,
    layers: [content.descriptor],
    subject: image.manifest.descriptor,
    annotations: { [OCI_ANNOTATION.created]: created },
  };
  return {
    manifest: jsonBlob(manifest, MEDIA_TYPES.manifest, { artifactType: SBOM_MEDIA_TYPE }),
    blobs: [config, content],
  };
}
