import { createHash } from 'node:crypto';
import { ECRClient } from '@aws-sdk/client-ecr';
import { virtualClock } from '../../local/clock';
import { createEcr, type EcrDependencies, type EcrEvent } from '../../local/ecr';
import { inProcess } from './sdk';

export const account = '111122223333';
export const home = { account, region: 'eu-west-1' };
export const away = { account, region: 'us-east-1' };
export const start = Date.parse('2026-11-20T10:15:30.250Z');
export const indexType = 'application/vnd.oci.image.index.v1+json';
export const imageType = 'application/vnd.oci.image.manifest.v1+json';
export const configType = 'application/vnd.oci.image.config.v1+json';

/** A registry in two Regions with a clock to move, the events it emitted, and a real SDK client for each Region. */
export function registry(options: Partial<EcrDependencies> = {}) {
  const clock = virtualClock(start);
  const events: EcrEvent[] = [];
  const journal: string[] = [];
  let ids = 0;
  const ecr = createEcr({
    clock,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    account,
    regions: [home.region, away.region],
    emit: (event) => events.push(event),
    journal: { append: (entry) => journal.push(JSON.stringify(entry)) },
    ...options,
  });
  const clientIn = (place: typeof home) =>
    new ECRClient({
      region: place.region,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      requestHandler: inProcess([ecr], place),
    });
  return { ecr, clock, events, journal, client: clientIn(home), remote: clientIn(away) };
}

/** The details of the events of one kind, oldest first. */
export function detailsOf(events: readonly EcrEvent[], detailType: string) {
  return events.filter((event) => event['detail-type'] === detailType).map(({ detail }) => detail);
}

export function actions(events: readonly EcrEvent[], detailType = 'ECR Image Action'): string[] {
  return detailsOf(events, detailType).map((detail) => {
    const tag = 'image-tag' in detail ? `"${detail['image-tag']}"` : 'no tag';
    return `${detail['action-type']} ${String(detail['image-digest']).slice(7, 13)} ${tag}`;
  });
}

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

export function short(text: string): string {
  return digestOf(text).slice(7, 13);
}

/** An image manifest that differs by its name; `size` is that of its one layer, the config is 10 bytes. */
export function image(
  name: string,
  { size = 100, ...extra }: Record<string, unknown> & { size?: number } = {},
) {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: imageType,
    config: { mediaType: configType, digest: digestOf(`config ${name}`), size: 10 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(name), size }],
    ...extra,
  });
}

export function index(...children: string[]) {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: indexType,
    manifests: children.map((child) => ({
      mediaType: imageType,
      digest: digestOf(child),
      size: child.length,
    })),
  });
}

/** A journal's lines as the entries that they stand for. */
export function entriesOf(journal: readonly string[]): object[] {
  return journal.map((line): object => JSON.parse(line));
}
