import { InvalidInput } from '../shared/domain/errors';
import type { Registry } from '../shared/domain/resource';

/** What people type to name something in a registry. */
export interface Reference {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
  /** Named by a whole image URI alone. */
  readonly registry?: Registry;
}

/** `payments/api`, `payments/api:v1`, `payments/api@sha256:…`, or either with ECR's host in front. Throws `InvalidInput`. */
export function readReference(text: string): Reference {
  const [, account, region, name = text] =
    /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+\/(.+)$/.exec(text) ?? [];
  const registry = account && region ? { registry: { account, region } } : {};
  const [, repository, tag, digest] =
    /^([a-z0-9][a-z0-9._/-]*?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      name,
    ) ?? [];
  if (!repository || (tag && digest)) {
    throw new InvalidInput(
      `"${text}" names no image: write REPOSITORY, REPOSITORY:TAG or REPOSITORY@sha256:…, such as payments/api:v1.4.0`,
    );
  }
  return { repository, ...(tag && { tag }), ...(digest && { digest }), ...registry };
}
