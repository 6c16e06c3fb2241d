/** An ECR lifecycle policy, as "Lifecycle policy properties" in the ECR user guide gives its grammar. */
export interface LifecyclePolicy {
  readonly rules: readonly LifecycleRule[];
}

export interface LifecycleRule {
  /** Unique; lower goes first. */
  readonly rulePriority: number;
  readonly description?: string;
  readonly selection: Selection;
  readonly action: Action;
}

export type Selection = TagSelection & CountSelection;

/** A list is an AND: each of its entries has to be met by some tag of the image. */
export type TagSelection =
  | {
      readonly tagStatus: 'tagged';
      readonly tagPatternList: readonly string[];
      readonly tagPrefixList?: never;
    }
  | {
      readonly tagStatus: 'tagged';
      readonly tagPrefixList: readonly string[];
      readonly tagPatternList?: never;
    }
  | {
      readonly tagStatus: 'untagged' | 'any';
      readonly tagPatternList?: never;
      readonly tagPrefixList?: never;
    };

export type CountSelection = {
  /** So many images are left, or so many days. */
  readonly countNumber: number;
} & (
  | {
      readonly countType: 'imageCountMoreThan';
      readonly countUnit?: never;
      readonly storageClass?: 'standard';
    }
  | {
      readonly countType: 'sinceImagePushed' | 'sinceImagePulled';
      readonly countUnit: 'days';
      readonly storageClass?: 'standard';
    }
  | {
      readonly countType: 'sinceImageTransitioned';
      readonly countUnit: 'days';
      readonly storageClass: 'archive';
    }
);

export type Action =
  | { readonly type: 'expire' }
  | { readonly type: 'transition'; readonly targetStorageClass: 'archive' };

export const tagStatuses = ['tagged', 'untagged', 'any'] as const;
export const countTypes = [
  'imageCountMoreThan',
  'sinceImagePushed',
  'sinceImagePulled',
  'sinceImageTransitioned',
] as const;
export type CountType = (typeof countTypes)[number];
export const storageClasses = ['standard', 'archive'] as const;
export type StorageClass = (typeof storageClasses)[number];
export const actionTypes = ['expire', 'transition'] as const;

/** The limits of "Amazon ECR service quotas" and of PutLifecyclePolicy's request. */
export const limits = {
  rules: 50,
  /** UTF-16 units of the whole text, a line end included. */
  shortestText: 100,
  longestText: 30_720,
  wildcardsInPattern: 4,
  /** An archived image is paid for 90 days at least. */
  fewestDaysInArchive: 90,
} as const;
