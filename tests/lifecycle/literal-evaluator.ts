/**
 * A second, slow reading of Amazon ECR lifecycle policies, written sentence by sentence from the user guide
 * so that the fast one has somebody to disagree with. It shares no code with it.
 *
 * The numbered statements are those of "Automate the cleanup of images by using lifecycle policies in Amazon
 * ECR", in our words; the letters are the readings we settled where the guide is silent or contradicts itself.
 *
 * 1 All rules are evaluated at the same time; then they are applied in priority order.
 * 2 An image is expired or archived by exactly one rule or none.
 * 3 An image that matches the tagging requirements of a rule cannot be acted on by a rule of lower priority.
 * 4 A rule cannot mark what a higher rule marked, but still counts it as if it were there.
 * 5 imageCountMoreThan sorts youngest to oldest by push time; everything past countNumber is marked.
 * 6 sinceImagePushed: pushed more than N days ago. sinceImagePulled: last recorded pull more than N days ago;
 *   never pulled: the push time; restored and not pulled since: last_activated_at.
 *   sinceImageTransitioned: last_archived_at more than N days ago.
 * 7 For an image once archived and restored, last_activated_at replaces pushed_at.
 * 8 A list of patterns or prefixes is an AND over its entries, each satisfied by any of the image's tags.
 * 9 A storage-class rule only sees images of that class.
 * 10 An image referenced by a manifest list or index cannot be expired or archived before that list is.
 * 11 Referrers are expired or archived after their subject goes, without a rule naming them; the artifact must
 *   also have been in its current class for at least 24 hours ("Sign images").
 *
 * A Item 7 also gives the order of imageCountMoreThan and the age of sinceImagePushed.
 * B The shield of item 3 covers the selector and the storage class.
 * C A child is protected while any index that names it exists at the start of the pass, also one that this pass
 *   expires, also an archived one; what counts is the list of children, not the media type. It is counted.
 * D Referrers are ordinary images to rules; those that only go with their subject are not acted on by a rule.
 * E ACTIVATING counts as standard. In a tie of push times the smaller digest is the older one.
 */

export interface Rule {
  readonly rulePriority: number;
  readonly description?: string;
  readonly selection: {
    readonly tagStatus: 'tagged' | 'untagged' | 'any';
    readonly tagPatternList?: readonly string[];
    readonly tagPrefixList?: readonly string[];
    readonly storageClass?: 'standard' | 'archive';
    readonly countType:
      | 'imageCountMoreThan'
      | 'sinceImagePushed'
      | 'sinceImagePulled'
      | 'sinceImageTransitioned';
    readonly countUnit?: 'days';
    readonly countNumber: number;
  };
  readonly action: { readonly type: 'expire' | 'transition'; readonly targetStorageClass?: 'archive' };
}

export interface Policy {
  readonly rules: readonly Rule[];
}

/** As DescribeImages tells it; times are epoch seconds, imageReferences the digests of an index's children. */
export interface ImageInput {
  readonly imageDigest: string;
  readonly imageTags?: readonly string[];
  readonly imagePushedAt: number;
  readonly lastRecordedPullTime?: number;
  readonly lastActivatedAt?: number;
  readonly lastArchivedAt?: number;
  readonly imageStatus?: 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';
  readonly imageReferences?: readonly string[];
  readonly subjectManifestDigest?: string;
}

export interface Act {
  readonly digest: string;
  readonly priority: number;
  readonly type: 'EXPIRE' | 'TRANSITION';
}

const day = 24 * 60 * 60;

/** `now` in epoch seconds. `follows` are the digests of referrers that go only because their subject goes. */
export function evaluateLiterally(
  policy: Policy,
  images: readonly ImageInput[],
  now: number,
): { acted: Act[]; follows: string[] } {
  // 1, "evaluated at the same time": no rule knows of another while it is evaluated.
  const evaluated = policy.rules.map((rule) => {
    const visible = images.filter((image) => isVisible(rule, image));
    return { rule, visible, met: visible.filter((image) => meetsCount(rule, image, visible, now)) };
  });

  // 1, "then they are applied in priority order".
  const ordered = evaluated.toSorted((one, other) => one.rule.rulePriority - other.rule.rulePriority);
  const acted: Act[] = [];
  for (const { rule, met } of ordered) {
    for (const image of met) {
      // 2
      if (acted.some((act) => act.digest === image.imageDigest)) continue;
      // 3, B
      const higher = ordered.filter((each) => each.rule.rulePriority < rule.rulePriority);
      if (higher.some((each) => each.visible.includes(image))) continue;
      // 10, C
      if (isChild(image, images)) continue;
      const type = rule.action.type === 'expire' ? 'EXPIRE' : 'TRANSITION';
      acted.push({ digest: image.imageDigest, priority: rule.rulePriority, type });
    }
  }
  return { acted, follows: followers(acted, images, now) };
}

/** What a rule selects, and so what it shields. */
function isVisible(rule: Rule, image: ImageInput): boolean {
  // 9
  if (storageClass(image) !== (rule.selection.storageClass ?? 'standard')) return false;
  const tags = image.imageTags ?? [];
  switch (rule.selection.tagStatus) {
    case 'any':
      return true;
    case 'untagged':
      return tags.length === 0;
    case 'tagged':
      // 8
      return (
        tags.length > 0 &&
        (rule.selection.tagPatternList ?? []).every((pattern) => tags.some((tag) => fits(pattern, tag))) &&
        (rule.selection.tagPrefixList ?? []).every((prefix) => tags.some((tag) => tag.startsWith(prefix)))
      );
  }
}

/** "*" matches any run, also an empty one, over the whole tag; everything else stands for itself. */
function fits(pattern: string, tag: string): boolean {
  if (pattern === '') return tag === '';
  if (pattern[0] !== '*') return pattern[0] === tag[0] && fits(pattern.slice(1), tag.slice(1));
  return fits(pattern.slice(1), tag) || (tag !== '' && fits(pattern, tag.slice(1)));
}

function storageClass(image: ImageInput): 'standard' | 'archive' {
  // E
  return image.imageStatus === 'ARCHIVED' ? 'archive' : 'standard';
}

function meetsCount(rule: Rule, image: ImageInput, visible: readonly ImageInput[], now: number): boolean {
  const { countType, countNumber } = rule.selection;
  // "Older than" is strict: the guide's image pushed a day ago is not older than one day.
  const isOlder = (time: number | undefined) => time !== undefined && now - time > countNumber * day;
  switch (countType) {
    case 'imageCountMoreThan':
      // 5; 4 holds because `visible` knows nothing of what other rules marked.
      return visible.filter((other) => isYounger(other, image)).length >= countNumber;
    // 6
    case 'sinceImagePushed':
      return isOlder(pushTime(image));
    case 'sinceImagePulled':
      return isOlder(pullTime(image));
    case 'sinceImageTransitioned':
      return isOlder(image.lastArchivedAt);
  }
}

function pushTime(image: ImageInput): number {
  // 7, A
  return image.lastActivatedAt ?? image.imagePushedAt;
}

function pullTime(image: ImageInput): number {
  // 6
  const pulled = image.lastRecordedPullTime;
  const restored = image.lastActivatedAt;
  if (restored !== undefined && (pulled === undefined || pulled < restored)) return restored;
  return pulled ?? image.imagePushedAt;
}

function isYounger(one: ImageInput, other: ImageInput): boolean {
  if (pushTime(one) !== pushTime(other)) return pushTime(one) > pushTime(other);
  // E
  return one.imageDigest > other.imageDigest;
}

function isChild(image: ImageInput, images: readonly ImageInput[]): boolean {
  // C
  return images.some((index) => (index.imageReferences ?? []).includes(image.imageDigest));
}

function followers(acted: readonly Act[], images: readonly ImageInput[], now: number): string[] {
  const goes = new Map(acted.map((act) => [act.digest, act.type]));
  const follows: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const image of images) {
      // D, 2
      if (goes.has(image.imageDigest)) continue;
      // 11: once its subject goes, and a referrer that goes may itself be a subject
      const type = goes.get(image.subjectManifestDigest ?? '');
      if (type === undefined) continue;
      // 11: what is archived already cannot be archived once more
      if (type === 'TRANSITION' && storageClass(image) === 'archive') continue;
      // 11: "in its current class for at least 24 hours"
      if (now - enteredClass(image) < day) continue;
      // 10, C: "cannot be expired or archived", by whatever
      if (isChild(image, images)) continue;
      goes.set(image.imageDigest, type);
      follows.push(image.imageDigest);
      found = true;
    }
  }
  return follows;
}

function enteredClass(image: ImageInput): number {
  if (storageClass(image) === 'archive') return image.lastArchivedAt ?? image.imagePushedAt;
  return image.lastActivatedAt ?? image.imagePushedAt;
}
