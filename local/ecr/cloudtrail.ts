import type { Call } from '../service';
import { AwsError } from '../service';
import type { Context } from './context';
import { isoSeconds } from './events';
import { repositoryArn } from './state';

/** CloudTrail calls these management events read-only; rules in state ENABLED never see them. */
export function isReadOnly(operation: string): boolean {
  return /^(Describe|List|Get|BatchGet|BatchCheck)/.test(operation);
}

/**
 * The event of one API call, as in "Logging Amazon ECR actions with AWS CloudTrail" of the user guide. A failed call
 * is an event too, with `errorCode` and without response elements.
 */
export function announceCall(
  context: Context,
  call: Call,
  callerArn: string,
  outcome: object | AwsError,
): void {
  const failed = outcome instanceof AwsError;
  const { account, region } = call;
  context.announce(call, {
    'detail-type': 'AWS API Call via CloudTrail',
    resources: [],
    detail: {
      eventVersion: '1.09',
      userIdentity: identity(callerArn, account),
      eventTime: isoSeconds(context.clock.now()),
      eventSource: 'ecr.amazonaws.com',
      eventName: call.operation,
      awsRegion: region,
      sourceIPAddress: '127.0.0.1',
      userAgent: 'ecr-warden-local',
      ...(failed && { errorCode: outcome.code, errorMessage: outcome.message }),
      requestParameters: withoutBlob(call.input),
      responseElements: failed || Object.keys(outcome).length === 0 ? null : withHumanDates(outcome),
      requestID: context.newId(),
      eventID: context.newId(),
      readOnly: false,
      resources: resourcesOf(call),
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: account,
      eventCategory: 'Management',
    },
  });
}

/** `arn:aws:sts::<account>:assumed-role/<role>/<session>` as CloudTrail spells it out. */
function identity(arn: string, account: string): object {
  const [, role = 'unknown', session = 'unknown'] = arn.split('/');
  return {
    type: 'AssumedRole',
    principalId: `AROALOCAL:${session}`,
    arn,
    accountId: account,
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROALOCAL',
        arn: `arn:aws:iam::${account}:role/${role}`,
        accountId: account,
        userName: role,
      },
    },
  };
}

function withoutBlob({ layerPartBlob: _, ...input }: Record<string, unknown>): Record<string, unknown> {
  return input;
}

function resourcesOf({ account, region, input }: Call): object[] | undefined {
  const { repositoryName, resourceArn, registryId } = input;
  const accountId = typeof registryId === 'string' ? registryId : account;
  if (typeof resourceArn === 'string') return [{ ARN: resourceArn, accountId }];
  if (typeof repositoryName !== 'string') return undefined;
  return [{ ARN: repositoryArn({ account: accountId, region }, repositoryName), accountId }];
}

/** CloudTrail writes the dates of ECR's answers for people: `Jul 11, 2018 10:17:44 PM`. */
function withHumanDates(value: unknown, key = ''): unknown {
  if (typeof value === 'number' && key.endsWith('At')) return humanDate(value * 1000);
  if (Array.isArray(value)) return value.map((one) => withHumanDates(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withHumanDates(one, name)]));
}

const humanFormat = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  dateStyle: 'medium',
  timeStyle: 'medium',
});

function humanDate(milliseconds: number): string {
  return humanFormat.format(milliseconds).replace(/,\s(?=\d+:)|\u202f/g, ' ');
}
