/**
 * What the ECR user guide leaves open or says in two ways, as it is read here. Each reading is an option, so that what
 * a real account shows can be put right in one place.
 */
export interface SimulationReadings {
  /**
   * By which date an image that was once restored from the archive is sorted, and aged under `sinceImagePushed`. "A
   * restore behaves like a push" says the page on restoring; the page on policies says both.
   */
  readonly restoredImages: 'by-restore' | 'by-push';
  /** Whether a rule shields only images of its own storage class from the rules behind it. */
  readonly shield: 'selector-and-class' | 'selector';
  /** Whether an index that this pass expires still protects its children. */
  readonly expiringIndexes: 'protect' | 'release';
  /** Whether an archived index protects its children. */
  readonly archivedIndexes: 'protect' | 'release';
  /** Whether children of an index count in `imageCountMoreThan`. */
  readonly childrenTakeSlots: boolean;
  /** Whether rules see signatures, SBOMs and attestations like any image. */
  readonly referrers: 'ordinary' | 'outside-rules';
  /**
   * Whether a referrer that is not yet 24 hours in its storage class goes with its subject: "Sign images" asks for
   * them, and does not say whether it goes once they are over.
   */
  readonly freshReferrers: 'stay' | 'follow';
  /** The storage class of an image that is being restored. */
  readonly activating: 'standard' | 'archive';
  /** Of images with one date, which is the older. */
  readonly equalDates: 'smaller-digest-older' | 'smaller-digest-newer';
  /** Whether an age of exactly so many days is over the limit. */
  readonly exactAge: 'kept' | 'acted-on';
}

export interface ValidationReadings {
  /** Whether `action.targetStorageClass` has to be written with `transition`. */
  readonly targetStorageClass: 'required' | 'optional';
  /** Whether a list of patterns, prefixes or rules may be empty. */
  readonly emptyLists: 'refused' | 'accepted';
  readonly unknownProperties: 'refused' | 'accepted';
  /** Whether `untagged` and `any` may stand beside a list of patterns or prefixes. */
  readonly listsWithoutTagged: 'refused' | 'accepted';
  /** Whether a pattern or prefix may stand twice among the rules of one storage class. */
  readonly repeatedEntries: 'refused' | 'accepted';
}

export interface Readings extends SimulationReadings, ValidationReadings {}

export const settledReadings: Readings = {
  restoredImages: 'by-restore',
  shield: 'selector-and-class',
  expiringIndexes: 'protect',
  archivedIndexes: 'protect',
  childrenTakeSlots: true,
  referrers: 'ordinary',
  freshReferrers: 'stay',
  activating: 'standard',
  equalDates: 'smaller-digest-older',
  exactAge: 'kept',
  targetStorageClass: 'required',
  emptyLists: 'refused',
  unknownProperties: 'refused',
  listsWithoutTagged: 'refused',
  repeatedEntries: 'refused',
};
