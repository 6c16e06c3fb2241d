import { createHash } from 'node:crypto';
import type { ImageResource, RepositoryResource, TagResource } from '../../shared/domain/resource';
import type { Trigger } from '../../shared/domain/trigger';

export const account = '111122223333';
export const region = 'eu-central-1';

/** A digest with a name one can read in a test: `digest('a')` is the SHA-256 of `a`. */
export function digest(name: string): string {
  return `sha256:${createHash('sha256').update(name).digest('hex')}`;
}

export function tagResource(tag = 'v1', over: Partial<TagResource> = {}): TagResource {
  return { kind: 'tag', account, region, repository: 'payments/api', tag, ...over };
}

export function imageResource(name = 'a', over: Partial<ImageResource> = {}): ImageResource {
  return { kind: 'image', account, region, repository: 'payments/api', digest: digest(name), ...over };
}

export function repositoryResource(over: Partial<RepositoryResource> = {}): RepositoryResource {
  return { kind: 'repository', account, region, repository: 'payments/api', ...over };
}

let events = 0;

export function trigger(over: Partial<Trigger> = {}): Trigger {
  events += 1;
  return {
    kind: 'push',
    eventId: `event-${events}`,
    eventTime: '2026-11-20T10:00:00Z',
    resource: tagResource(),
    digest: digest('a'),
    ...over,
  };
}
