/** The registry of the shipped policy, whose payments/** refuses the tag `latest`. */
export const account = '111122223333';
export const region = 'eu-central-1';
export const repository = 'payments/api';
export const scope = `${account}/${region}/${repository}`;

export const imageManifest = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: `sha256:${'c'.repeat(64)}`,
    size: 2,
  },
  layers: [],
};

/** What ECR says of a push or delete: "Amazon ECR events and EventBridge" in the Amazon ECR user guide. */
export function imageAction(action, digest) {
  return {
    source: 'aws.ecr',
    detailType: 'ECR Image Action',
    detail: {
      result: 'SUCCESS',
      'action-type': action,
      'repository-name': repository,
      'image-digest': digest,
      'image-tag': 'latest',
    },
  };
}

/** The push as EventBridge brought it into the queue, from the record that it left. */
export function deliveredPush({ digest, triggers: [{ id, time }] }) {
  const { source, detailType, detail } = imageAction('PUSH', digest);
  return {
    version: '0',
    id,
    'detail-type': detailType,
    source,
    account,
    region,
    time,
    resources: [],
    detail,
  };
}

/** What `publish` says of a finding, on our own bus. */
export function findingChanged({ scope, key, rule, change, severity, resource, sequence }) {
  return {
    bus: 'ecr-warden',
    source: 'ecr-warden',
    detailType: 'Finding Changed',
    detail: { id: '0'.repeat(32), scope, key, rule, change, severity, resource, sequence },
  };
}

/** An event that the rules let through and nobody can use. It comes by the bus of the other accounts. */
export function unusableAction(digest) {
  const { detail, ...action } = imageAction('PUSH', digest);
  const { 'repository-name': _, ...rest } = detail;
  return { ...action, bus: 'ecr-warden-ingest', detail: rest };
}
