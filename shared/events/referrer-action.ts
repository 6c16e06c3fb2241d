import type { EventType } from './envelope';
import { actionTriggers } from './image-action';

/**
 * ECR Referrer Action: the same for a signature, an SBOM or an attestation. AWS documents the restore alone, and
 * nothing in it names the image referred to. (Amazon ECR user guide, "Amazon ECR events and EventBridge".)
 */
export const referrerAction: EventType = {
  source: 'aws.ecr',
  detailType: 'ECR Referrer Action',
  triggersOf: (event) => actionTriggers(event, 'referrer'),
};
