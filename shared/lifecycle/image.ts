import { InvalidInput } from '../domain/errors';
import { readInstant } from './instant';

/** An image as lifecycle rules see it. Instants are epoch milliseconds, with a fraction where ECR gives one. */
export interface LifecycleImage {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly pushedAt: number;
  readonly status: ImageStatus;
  /** When it was restored from the archive last. */
  readonly activatedAt?: number | undefined;
  readonly archivedAt?: number | undefined;
  readonly pulledAt?: number | undefined;
  /** Compressed; an index has the size of its largest child. */
  readonly bytes: number;
  /** Digests of an index's children. */
  readonly children: readonly string[];
  /** The digest that a signature, SBOM or attestation refers to. */
  readonly subject?: string | undefined;
}

type ImageStatus = 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';

type Properties = Readonly<Record<string, unknown>>;

/**
 * Reads what DescribeImages answers: `imageDetails`, as a list or under that key, with `imageReferences` added, the
 * digests of an index's children. Instants are ISO 8601 with an offset, or epoch seconds as a number or text. Throws
 * `InvalidInput` that names the image and the field.
 */
export function readImages(value: unknown): readonly LifecycleImage[] {
  const list = isObject(value) && 'imageDetails' in value ? value.imageDetails : value;
  if (!Array.isArray(list)) {
    throw new InvalidInput(
      'images: write what DescribeImages answers, a list of images or { "imageDetails": [ … ] }',
    );
  }
  return list.map(readImage);
}

function readImage(detail: unknown, index: number): LifecycleImage {
  if (!isObject(detail)) throw wrong(index, '', 'is no image: write an object as DescribeImages gives it');
  const { imageDigest, imageTags, imagePushedAt, imageStatus, imageSizeInBytes, imageReferences } = detail;
  if (typeof imageDigest !== 'string' || imageDigest === '') {
    throw wrong(index, 'imageDigest', missingOr(imageDigest, 'write the digest as text'));
  }
  const pushedAt = instantOf(imagePushedAt, index, 'imagePushedAt');
  if (pushedAt === undefined) throw wrong(index, 'imagePushedAt', missingOr(imagePushedAt, ''));
  return {
    digest: imageDigest,
    tags: textsOf(imageTags, index, 'imageTags'),
    pushedAt,
    status: statusOf(imageStatus, index),
    activatedAt: instantOf(detail.lastActivatedAt, index, 'lastActivatedAt'),
    archivedAt: instantOf(detail.lastArchivedAt, index, 'lastArchivedAt'),
    pulledAt: instantOf(detail.lastRecordedPullTime, index, 'lastRecordedPullTime'),
    bytes: bytesOf(imageSizeInBytes, index),
    children: textsOf(imageReferences, index, 'imageReferences'),
    subject: digestOf(detail.subjectManifestDigest, index),
  };
}

const none: readonly string[] = [];

function textsOf(value: unknown, index: number, field: string): readonly string[] {
  if (isAbsent(value)) return none;
  if (!Array.isArray(value)) throw wrong(index, field, 'write a list of texts, or leave it out');
  for (let at = 0; at < value.length; at += 1) {
    if (typeof value[at] !== 'string' || value[at] === '')
      throw wrong(index, `${field}[${at}]`, 'write text');
  }
  return value;
}

function statusOf(value: unknown, index: number): ImageStatus {
  if (value === 'ACTIVE' || value === 'ARCHIVED' || value === 'ACTIVATING') return value;
  if (isAbsent(value)) return 'ACTIVE';
  throw wrong(index, 'imageStatus', `write one of ACTIVE, ARCHIVED, ACTIVATING, not ${shown(value)}`);
}

function bytesOf(value: unknown, index: number): number {
  if (isAbsent(value)) return 0;
  if (typeof value !== 'number' || !(value >= 0)) {
    throw wrong(index, 'imageSizeInBytes', `write a number of bytes, not ${shown(value)}`);
  }
  return value;
}

function digestOf(value: unknown, index: number): string | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw wrong(index, 'subjectManifestDigest', `write the digest as text, not ${shown(value)}`);
  }
  return value;
}

function instantOf(value: unknown, index: number, field: string): number | undefined {
  if (isAbsent(value)) return undefined;
  const instant = readInstant(value);
  if (typeof instant === 'number') return instant;
  throw wrong(index, field, `${shown(value)} ${instant.problem}`);
}

function missingOr(value: unknown, message: string): string {
  return isAbsent(value) ? 'it is missing' : `${message}, not ${shown(value)}`;
}

function wrong(index: number, field: string, message: string): InvalidInput {
  return new InvalidInput(`images[${index}]${field && `.${field}`}: ${message}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
