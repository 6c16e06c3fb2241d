import { z } from 'zod';
import { AwsError } from '../service';
import { type Context, placeOf } from './context';
import { scanned, severityCounts } from './events';
import { described } from './failures';
import {
  imageId,
  inRepository,
  listOf,
  nextToken,
  type Operations,
  operation,
  pageSize,
  positionFrom,
  repositoryName,
  seconds,
  tokenFrom,
} from './input';
import { isScannable } from './manifest';
import { scanFrequencyOf, scanningFilterMatches } from './matching';
import {
  arnOf,
  type Image,
  imageIn,
  manifestOf,
  type Repository,
  registryIn,
  repositoryIn,
  type ScanningConfiguration,
  type ScanningRule,
  statusOf,
} from './state';

const day = 24 * 60 * 60 * 1000;

/** A basic scan, which the embedded registry finishes at once. */
function scan(context: Context, repository: Repository, image: Image): void {
  const name = repository.settings.name;
  const findings = context.findings({ repository: name, digest: image.digest });
  context.commit({
    ...placeOf(repository),
    change: 'mark-image',
    repository: name,
    digest: image.digest,
    marks: { scan: { completedAt: context.clock.now(), findings } },
  });
  context.announce(placeOf(repository), scanned(repository, image, findings));
}

/** A retag is no reason to scan again: basic scanning takes an image once in 24 hours. */
export function scanOnPush(context: Context, repository: Repository, image: Image): void {
  const { scanning } = registryIn(context.state, repository).settings;
  if (scanning.scanType !== 'BASIC' || frequencyFor(scanning, repository) !== 'SCAN_ON_PUSH') return;
  if (!isScannable(manifestOf(image)) || scannedToday(context, image)) return;
  scan(context, repository, image);
}

function scannedToday({ clock }: Context, image: Image): boolean {
  return image.scan !== undefined && clock.now() - image.scan.completedAt < day;
}

/** The repository's own deprecated setting counts where the registry has no rules. */
function frequencyFor(
  { rules }: ScanningConfiguration,
  { settings }: Repository,
): ScanningRule['scanFrequency'] {
  if (rules.length > 0) return scanFrequencyOf(rules, settings.name);
  return settings.scanOnPush ? 'SCAN_ON_PUSH' : 'MANUAL';
}

export function scanningOperations(context: Context): Operations {
  const { state } = context;
  return {
    StartImageScan: operation(inRepository.extend({ imageId }), (input, place) => {
      const repository = repositoryIn(state, place, input.repositoryName);
      const image = imageIn(repository, input.imageId);
      if (statusOf(image) !== 'ACTIVE') {
        throw new AwsError(
          'ImageArchivedException',
          'The specified image is archived and cannot be scanned.',
        );
      }
      if (!isScannable(manifestOf(image))) {
        throw new AwsError('UnsupportedImageTypeException', 'The image is of a type that cannot be scanned.');
      }
      if (scannedToday(context, image)) {
        throw new AwsError(
          'LimitExceededException',
          'The scan quota per image has been exceeded. Wait and try again.',
        );
      }
      scan(context, repository, image);
      return {
        registryId: place.account,
        repositoryName: input.repositoryName,
        imageId: { ...input.imageId, imageDigest: image.digest },
        imageScanStatus: { status: 'COMPLETE', description: 'The scan was completed successfully.' },
      };
    }),

    DescribeImageScanFindings: operation(
      inRepository.extend({ imageId, nextToken, maxResults: pageSize(1000, 100) }),
      (input, place) => {
        const repository = repositoryIn(state, place, input.repositoryName);
        const image = imageIn(repository, input.imageId);
        const subject = {
          registryId: place.account,
          repositoryName: input.repositoryName,
          imageId: { ...input.imageId, imageDigest: image.digest },
        };
        if (statusOf(image) === 'ARCHIVED')
          return { ...subject, imageScanStatus: { status: 'IMAGE_ARCHIVED' } };
        if (!image.scan) {
          throw new AwsError(
            'ScanNotFoundException',
            `Image scan does not exist for the image with '${described(input.imageId)}' in the repository ` +
              `with name '${input.repositoryName}' in the registry with id '${place.account}'`,
          );
        }
        const { findings, completedAt } = image.scan;
        const start = input.nextToken ? positionFrom(z.tuple([z.int().min(0)]), input.nextToken)[0] : 0;
        const end = start + input.maxResults;
        return {
          ...subject,
          imageScanStatus: { status: 'COMPLETE', description: 'The scan was completed successfully.' },
          imageScanFindings: {
            imageScanCompletedAt: seconds(completedAt),
            vulnerabilitySourceUpdatedAt: seconds(completedAt),
            findings: findings.slice(start, end),
            findingSeverityCounts: severityCounts(findings),
          },
          ...(end < findings.length && { nextToken: tokenFrom([end]) }),
        };
      },
    ),

    BatchGetRepositoryScanningConfiguration: operation(
      z.object({ repositoryNames: listOf(repositoryName, 25) }),
      ({ repositoryNames }, place) => {
        const { repositories, settings } = registryIn(state, place);
        return {
          scanningConfigurations: repositoryNames.flatMap((name) => {
            const repository = repositories.get(name);
            return repository ? [scanningOf(settings.scanning, repository)] : [];
          }),
          failures: repositoryNames
            .filter((name) => !repositories.has(name))
            .map((name) => ({
              repositoryName: name,
              failureCode: 'REPOSITORY_NOT_FOUND',
              failureReason: 'REPOSITORY_NOT_FOUND',
            })),
        };
      },
    ),
  };
}

function scanningOf(scanning: ScanningConfiguration, repository: Repository): object {
  const { name } = repository.settings;
  const scanFrequency = frequencyFor(scanning, repository);
  const filters = scanning.rules
    .flatMap(({ repositoryFilters }) => repositoryFilters)
    .filter(({ filter }) => scanningFilterMatches(filter, name));
  return {
    repositoryArn: arnOf(repository),
    repositoryName: name,
    scanOnPush: scanFrequency === 'SCAN_ON_PUSH',
    scanFrequency,
    appliedScanFilters: filters,
  };
}
