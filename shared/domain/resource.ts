/** One account in one Region: what ECR calls a private registry. `account` is twelve digits, a string. */
export interface Registry {
  readonly account: string;
  readonly region: string;
}

export interface RegistryResource extends Registry {
  readonly kind: 'registry';
}

export interface RepositoryResource extends Registry {
  readonly kind: 'repository';
  readonly repository: string;
}

/** An image by its digest, `sha256:` and 64 hexadecimal digits. */
export interface ImageResource extends Registry {
  readonly kind: 'image';
  readonly repository: string;
  readonly digest: string;
}

export interface TagResource extends Registry {
  readonly kind: 'tag';
  readonly repository: string;
  readonly tag: string;
}

export type Resource = RegistryResource | RepositoryResource | ImageResource | TagResource;
export type ResourceKind = Resource['kind'];

/** `<account>/<region>` or `<account>/<region>/<repository>`: everything about one repository has one scope. */
export function scopeOf(resource: Resource): string {
  const registry = `${resource.account}/${resource.region}`;
  return resource.kind === 'registry' ? registry : `${registry}/${resource.repository}`;
}

/** What names the resource within its scope: `tag#v1`, `image#sha256:…`, `repository`, `registry`. */
export function nameInScope(resource: Resource): string {
  switch (resource.kind) {
    case 'tag':
      return `tag#${resource.tag}`;
    case 'image':
      return `image#${resource.digest}`;
    case 'repository':
    case 'registry':
      return resource.kind;
  }
}

/** One string for one resource, equal exactly when the resources are the same. */
export function resourceKey(resource: Resource): string {
  return `${scopeOf(resource)} ${nameInScope(resource)}`;
}

/** The inverse of `scopeOf` and `nameInScope`; undefined for what is no resource, such as the scope `sweep`. */
export function resourceFrom(scope: string, name: string): Resource | undefined {
  const [, account, region, repository] = /^(\d{12})\/([a-z0-9-]+)(?:\/(.+))?$/.exec(scope) ?? [];
  if (!account || !region) return undefined;
  if (!repository) return name === 'registry' ? { kind: 'registry', account, region } : undefined;
  if (name === 'repository') return { kind: 'repository', account, region, repository };
  if (name.startsWith('tag#')) return { kind: 'tag', account, region, repository, tag: name.slice(4) };
  if (name.startsWith('image#')) return { kind: 'image', account, region, repository, digest: name.slice(6) };
  return undefined;
}

/** How people write the resource: `payments/api:v1`, `payments/api@sha256:…`, with its registry where asked. */
export function displayName(resource: Resource): string {
  switch (resource.kind) {
    case 'tag':
      return `${resource.repository}:${resource.tag}`;
    case 'image':
      return `${resource.repository}@${resource.digest}`;
    case 'repository':
      return resource.repository;
    case 'registry':
      return `${resource.account} ${resource.region}`;
  }
}

export function repositoryOf(resource: TagResource | ImageResource | RepositoryResource): RepositoryResource {
  const { account, region, repository } = resource;
  return { kind: 'repository', account, region, repository };
}

export function sameRegistry(one: Registry, other: Registry): boolean {
  return one.account === other.account && one.region === other.region;
}
