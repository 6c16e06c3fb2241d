import type { AwsError } from '../service';
import { type ImageId, imageNotFound, repositoryNotFound } from './failures';
import { createIdSet, type IdSet } from './id-set';
import { type Manifest, readManifest, replayedManifest } from './manifest';

/** An account in a Region: what ECR calls a private registry. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface ResourceTag {
  readonly Key: string;
  readonly Value: string;
}

export type TagMutability = 'MUTABLE' | 'IMMUTABLE' | 'MUTABLE_WITH_EXCLUSION' | 'IMMUTABLE_WITH_EXCLUSION';

export interface RepositorySettings {
  readonly name: string;
  /** Epoch milliseconds, like every instant in the state. */
  readonly createdAt: number;
  readonly mutability: TagMutability;
  readonly exclusions: readonly string[];
  readonly scanOnPush: boolean;
  readonly encryption: { readonly encryptionType: string; readonly kmsKey?: string | undefined };
  readonly tags: readonly ResourceTag[];
  readonly policy?: string | undefined;
  readonly lifecyclePolicy?: string | undefined;
}

export interface ScanningRule {
  readonly scanFrequency: 'SCAN_ON_PUSH' | 'CONTINUOUS_SCAN' | 'MANUAL';
  readonly repositoryFilters: readonly { readonly filter: string; readonly filterType: 'WILDCARD' }[];
}

export interface ScanningConfiguration {
  readonly scanType: 'BASIC' | 'ENHANCED';
  readonly rules: readonly ScanningRule[];
}

export interface ReplicationRule {
  readonly destinations: readonly { readonly region: string; readonly registryId: string }[];
  readonly repositoryFilters?:
    | readonly { readonly filter: string; readonly filterType: 'PREFIX_MATCH' }[]
    | undefined;
  readonly deleteReplication?: { readonly enabled: boolean } | undefined;
}

export interface RegistrySettings {
  readonly scanning: ScanningConfiguration;
  readonly replication: { readonly rules: readonly ReplicationRule[] };
  readonly account: Readonly<Record<string, string>>;
  readonly policy?: string | undefined;
}

export interface ScanFinding {
  readonly name: string;
  readonly severity: 'CRITICAL' | 'HIGH' | 'MEDIUM' | 'LOW' | 'INFORMATIONAL' | 'UNDEFINED';
  readonly description?: string;
  readonly uri?: string;
}

/** How far an image has come on its way to one destination. */
export interface Replica extends Place {
  readonly status: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED';
  readonly failureCode?: string;
  /** The tags still under way; the empty string is the image without a tag. */
  readonly pending: readonly string[];
}

/** What happens to an image after its push. */
export interface Marks {
  status?: 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';
  pulledAt?: number;
  archivedAt?: number;
  activatedAt?: number;
  scan?: { readonly completedAt: number; readonly findings: readonly ScanFinding[] };
  replicas?: readonly Replica[];
}

export interface Image extends Marks {
  readonly digest: string;
  /** Grows with each new image of the repository: where a page of a listing ends. */
  readonly order: number;
  readonly pushedAt: number;
  readonly tags: string[];
  /** Absent for a replayed image: `manifestOf` answers for both. */
  readonly manifest?: Manifest;
}

export interface Repository extends Place {
  settings: RepositorySettings;
  readonly images: Map<string, Image>;
  readonly tags: Map<string, Image>;
  /** How many indexes list a digest. What one lists cannot be deleted. */
  readonly parents: Map<string, number>;
  nextOrder: number;
}

export interface RegistryState extends Place {
  settings: RegistrySettings;
  readonly repositories: Map<string, Repository>;
}

export interface State {
  readonly registries: Map<string, RegistryState>;
  /** The ids of replay lines that were applied. */
  readonly replayed: IdSet;
  readonly defaults: RegistrySettings;
}

/** One step of the state, small enough for a line of a journal. State is nothing but the sum of its changes. */
export type Change = Place &
  (
    | { readonly change: 'put-registry'; readonly settings: RegistrySettings }
    | { readonly change: 'put-repository'; readonly settings: RepositorySettings }
    | { readonly change: 'remove-repository'; readonly repository: string }
    | {
        readonly change: 'put-image';
        readonly repository: string;
        readonly digest: string;
        readonly manifest: string;
        readonly mediaType: string;
        readonly pushedAt: number;
        readonly tag?: string | undefined;
      }
    | {
        readonly change: 'mark-image';
        readonly repository: string;
        readonly digest: string;
        readonly marks: Marks;
      }
    | { readonly change: 'remove-tag'; readonly repository: string; readonly tag: string }
    | { readonly change: 'remove-image'; readonly repository: string; readonly digest: string }
    | ({ readonly change: 'replay'; readonly id: string } & Replayed)
  );

export interface Replayed {
  readonly time: string;
  readonly action: 'PUSH' | 'DELETE';
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const changes: readonly unknown[] = [
  'put-registry',
  'put-repository',
  'remove-repository',
  'put-image',
  'mark-image',
  'remove-tag',
  'remove-image',
  'replay',
] satisfies Change['change'][];

/** Tells a journal's entry from something else by its name and place; its other members are as we wrote them. */
export function isChange(entry: object): entry is Change {
  return (
    'change' in entry &&
    changes.includes(entry.change) &&
    'account' in entry &&
    typeof entry.account === 'string' &&
    'region' in entry &&
    typeof entry.region === 'string'
  );
}

export function createState(defaults: RegistrySettings): State {
  return { registries: new Map(), replayed: createIdSet(), defaults };
}

export function registryIn(state: State, { account, region }: Place): RegistryState {
  const key = `${account}/${region}`;
  const known = state.registries.get(key);
  if (known) return known;
  const registry = { account, region, settings: state.defaults, repositories: new Map() };
  state.registries.set(key, registry);
  return registry;
}

/** Throws RepositoryNotFoundException. */
export function repositoryIn(state: State, place: Place, name: string): Repository {
  const repository = registryIn(state, place).repositories.get(name);
  if (!repository) throw repositoryNotFound(name, place.account);
  return repository;
}

/** The image that digest and tag name, both of them where both are given. */
export function findImage(repository: Repository, { imageDigest, imageTag }: ImageId): Image | undefined {
  const image =
    imageDigest === undefined ? repository.tags.get(imageTag ?? '') : repository.images.get(imageDigest);
  return imageTag === undefined || image?.tags.includes(imageTag) ? image : undefined;
}

/** Throws ImageNotFoundException. */
export function imageIn(repository: Repository, id: ImageId): Image {
  const image = findImage(repository, id);
  if (!image) throw missingImage(repository, id);
  return image;
}

export function missingImage(repository: Repository, id: ImageId): AwsError {
  return imageNotFound(id, repository.settings.name, repository.account);
}

export function manifestOf(image: Image): Manifest {
  return image.manifest ?? replayedManifest(image.digest);
}

export function statusOf(image: Image): 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING' {
  return image.status ?? 'ACTIVE';
}

export function arnOf(repository: Repository): string {
  return repositoryArn(repository, repository.settings.name);
}

export function repositoryArn({ account, region }: Place, name: string): string {
  return `arn:aws:ecr:${region}:${account}:repository/${name}`;
}

export function newSettings(name: string, createdAt: number): RepositorySettings {
  return {
    name,
    createdAt,
    mutability: 'MUTABLE',
    exclusions: [],
    scanOnPush: false,
    encryption: { encryptionType: 'AES256' },
    tags: [],
  };
}

export function applyChange(state: State, change: Change): void {
  const registry = registryIn(state, change);
  switch (change.change) {
    case 'put-registry':
      registry.settings = change.settings;
      return;
    case 'put-repository':
      putRepository(registry, change.settings);
      return;
    case 'remove-repository':
      registry.repositories.delete(change.repository);
      return;
    case 'replay':
      state.replayed.add(change.id);
      applyReplayed(registry, change);
      return;
  }
  const repository = repositoryIn(state, change, change.repository);
  switch (change.change) {
    case 'put-image': {
      const image =
        repository.images.get(change.digest) ??
        addImage(repository, {
          digest: change.digest,
          pushedAt: change.pushedAt,
          manifest: readManifest(change.manifest, change.mediaType),
        });
      if (change.tag) pointTag(repository, change.tag, image);
      return;
    }
    case 'mark-image': {
      const image = imageIn(repository, { imageDigest: change.digest });
      Object.assign(image, change.marks);
      // An archived image loses its scans ("Archiving an image" in the Amazon ECR user guide).
      if (change.marks.status === 'ARCHIVED') delete image.scan;
      return;
    }
    case 'remove-tag':
      removeTag(repository, change.tag);
      return;
    case 'remove-image':
      removeImage(repository, imageIn(repository, { imageDigest: change.digest }));
  }
}

function putRepository(registry: RegistryState, settings: RepositorySettings): Repository {
  const known = registry.repositories.get(settings.name);
  if (known) {
    known.settings = settings;
    return known;
  }
  const repository: Repository = {
    account: registry.account,
    region: registry.region,
    settings,
    images: new Map(),
    tags: new Map(),
    parents: new Map(),
    nextOrder: 1,
  };
  registry.repositories.set(settings.name, repository);
  return repository;
}

function applyReplayed(registry: RegistryState, line: Replayed): void {
  const pushedAt = Date.parse(line.time);
  const repository =
    registry.repositories.get(line.repository) ??
    putRepository(registry, newSettings(line.repository, pushedAt));
  const held = repository.images.get(line.digest);
  if (line.action === 'PUSH') {
    pointTag(repository, line.tag, held ?? addImage(repository, { digest: line.digest, pushedAt }));
  } else if (held && repository.tags.get(line.tag) === held) {
    removeTag(repository, line.tag);
  }
}

function addImage(repository: Repository, image: Pick<Image, 'digest' | 'pushedAt' | 'manifest'>): Image {
  const added = { ...image, order: repository.nextOrder++, tags: [] };
  repository.images.set(added.digest, added);
  for (const child of image.manifest?.children ?? []) countParent(repository, child, 1);
  return added;
}

/** Moving a tag leaves the image that loses it in place, without a tag if it was its last. */
function pointTag(repository: Repository, tag: string, image: Image): void {
  const before = repository.tags.get(tag);
  if (before === image) return;
  if (before) before.tags.splice(before.tags.indexOf(tag), 1);
  repository.tags.set(tag, image);
  image.tags.push(tag);
}

/** The last tag takes the image with it. */
function removeTag(repository: Repository, tag: string): void {
  const image = imageIn(repository, { imageTag: tag });
  if (image.tags.length === 1) {
    removeImage(repository, image);
    return;
  }
  image.tags.splice(image.tags.indexOf(tag), 1);
  repository.tags.delete(tag);
}

function removeImage(repository: Repository, image: Image): void {
  for (const tag of image.tags) repository.tags.delete(tag);
  repository.images.delete(image.digest);
  for (const child of image.manifest?.children ?? []) countParent(repository, child, -1);
}

function countParent(repository: Repository, child: string, by: 1 | -1): void {
  const count = (repository.parents.get(child) ?? 0) + by;
  if (count > 0) repository.parents.set(child, count);
  else repository.parents.delete(child);
}
