import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalid } from './failures';

/** What a manifest says of itself. It never changes: its digest is its name. */
export interface Manifest {
  readonly text: string;
  readonly mediaType: string;
  /** What ECR calls the artifact media type: `artifactType`, else the media type of the config. */
  readonly artifactType?: string;
  /** The digests that an index lists; empty for anything else. */
  readonly children: readonly string[];
  /** The digest that a referrer is about: a signature, an SBOM, an attestation. */
  readonly subject?: string;
  /** Bytes of config and layers. An index has none of its own. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export const imageManifestType = 'application/vnd.oci.image.manifest.v1+json';
export const imageConfigType = 'application/vnd.oci.image.config.v1+json';

const mediaTypes: readonly string[] = [
  imageManifestType,
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.cncf.oras.artifact.manifest.v1+json',
];

const scannable: readonly (string | undefined)[] = [
  imageConfigType,
  'application/vnd.docker.container.image.v1+json',
];

const content = z.object({ mediaType: z.string().optional(), size: z.number().optional() });
const reference = content.extend({ digest: z.string() });
const document = z.object({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: content.optional(),
  layers: z.array(content).default([]),
  blobs: z.array(content).default([]),
  manifests: z.array(reference).default([]),
  subject: reference.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** Throws InvalidParameterException. `claimed` is the request's media type, needed where the text has none. */
export function readManifest(text: string, claimed?: string): Manifest {
  const { success, data } = document.safeParse(parse(text));
  if (!success) throw invalid('ImageManifest', 'Manifest is not an image manifest, a list or an index');
  const mediaType = data.mediaType ?? claimed;
  if (!mediaType) throw invalid('imageManifestMediaType', 'must be given for a manifest without mediaType');
  if (claimed && claimed !== mediaType)
    throw invalid('imageManifestMediaType', `does not match ${mediaType}`);
  if (!mediaTypes.includes(mediaType)) throw invalid('ImageManifest', `Unsupported media type ${mediaType}`);
  const artifactType = data.artifactType ?? data.config?.mediaType;
  const parts = [...(data.config ? [data.config] : []), ...data.layers, ...data.blobs];
  return {
    text,
    mediaType,
    children: data.manifests.map(({ digest }) => digest),
    size: parts.reduce((sum, { size }) => sum + (size ?? 0), 0),
    ...(artifactType && { artifactType }),
    ...(data.subject && { subject: data.subject.digest }),
    ...(data.annotations && { annotations: data.annotations }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('ImageManifest', 'Invalid JSON syntax');
  }
}

export function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Basic scanning reads operating system packages: it takes images, not indexes, charts or signatures. */
export function isScannable({ children, artifactType }: Manifest): boolean {
  return children.length === 0 && scannable.includes(artifactType);
}

const replayedDigest = 'ecr-warden.local/replayed-digest';

/**
 * The manifest of a replayed image, whose digest is known and whose content is not. The annotation carries the
 * digest, so that the image can be tagged anew like any other: see `claimedDigest`.
 */
export function replayedManifest(digest: string): Manifest {
  const annotations = { [replayedDigest]: digest };
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: imageManifestType,
    config: { mediaType: imageConfigType, size: 0, digest },
    layers: [],
    annotations,
  });
  return {
    text,
    mediaType: imageManifestType,
    artifactType: imageConfigType,
    children: [],
    size: 0,
    annotations,
  };
}

/** The digest that a replayed image's manifest claims; to be believed only where that very text is held. */
export function claimedDigest(manifest: Manifest): string | undefined {
  return manifest.annotations?.[replayedDigest];
}
