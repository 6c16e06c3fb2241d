import type { EventType } from './envelope';
import { scanTriggers } from './image-scan';

/**
 * Inspector2 Scan: enhanced scanning finished with an image; `repository-name` is the repository's ARN. (Amazon ECR
 * user guide, "EventBridge events sent for enhanced scanning in Amazon ECR".)
 */
export const inspectorScan: EventType = {
  source: 'aws.inspector2',
  detailType: 'Inspector2 Scan',
  triggersOf: scanTriggers,
};
