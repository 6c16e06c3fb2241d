import { InvalidInput } from '../domain/errors';
import type { ImageResource, Registry, RepositoryResource, TagResource } from '../domain/resource';
import type { Trigger } from '../domain/trigger';

/** The resource that a trigger is recorded on and, for a tag, the digest named beside it. */
export type Named = Pick<Trigger, 'resource' | 'digest'>;

/** What an event names; tag and digest are absent, null or empty where it names none. */
export interface Names {
  readonly registry: Registry;
  readonly repository: string;
  readonly tag?: string | null | undefined;
  readonly digest?: string | null | undefined;
}

/** The tag, or the image where the event names no tag. Throws `InvalidInput` that names the digest's field. */
export function tagOrImage(names: Names, digestField: string): Named {
  return tagOf(names) ?? imageOf(names, digestField);
}

/** The image. Throws `InvalidInput` that names the digest's field. */
export function imageOf({ registry, repository, digest }: Names, digestField: string): Named {
  if (!digest) throw new InvalidInput(`${digestField} is missing: expected the digest of the image`);
  return { resource: { kind: 'image', ...registry, repository, digest } satisfies ImageResource };
}

/** The tag, the image or the repository: the first that the event names. */
export function narrowest(names: Names): Named {
  return tagOf(names) ?? (names.digest ? imageOf(names, '') : repositoryNamed(names));
}

export function repositoryNamed({ registry, repository }: Names): Named {
  return { resource: { kind: 'repository', ...registry, repository } satisfies RepositoryResource };
}

function tagOf({ registry, repository, tag, digest }: Names): Named | undefined {
  if (!tag) return undefined;
  const resource: TagResource = { kind: 'tag', ...registry, repository, tag };
  return digest ? { resource, digest } : { resource };
}

/**
 * The digest of the image that a signature, SBOM or attestation is about, where its tag says so: cosign's
 * `sha256-<hex>.sig`, `.att` and `.sbom`, and the plain `sha256-<hex>` of the referrers tag schema in the OCI
 * distribution specification, which SOCI indexes use too.
 */
export function subjectOf(tag: string | null | undefined): string | undefined {
  const [, hexadecimal] = /^sha256-([a-f0-9]{64})(?:\.(?:sig|att|sbom))?$/.exec(tag ?? '') ?? [];
  return hexadecimal && `sha256:${hexadecimal}`;
}
