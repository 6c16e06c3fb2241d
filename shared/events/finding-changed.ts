import * as z from 'zod/mini';
import type { ChangeKind } from '../domain/finding';
import type { Resource } from '../domain/resource';
import type { Severity } from '../domain/result';
import { read, text } from './fields';

/** Says that a finding changed; what it is now stands in `state` under `scope` and `key`. */
export type FindingChanged = {
  readonly id: string;
  readonly scope: string;
  /** The finding's key in `state`. */
  readonly key: string;
  readonly rule: string;
  readonly change: ChangeKind;
  readonly severity: Severity;
  readonly resource: Resource;
  /** Of the record that the change stands in. */
  readonly sequence: number;
};

export function findingChanged(detail: FindingChanged) {
  return { detailType: 'Finding Changed', detail } as const;
}

const message = z.object(
  {
    'detail-type': z.literal('Finding Changed', '"Finding Changed"'),
    detail: z.object({
      scope: text(/^.{1,500}$/, 'the scope of a finding'),
      key: text(/^finding#.{1,600}$/, 'the key of a finding'),
    }),
  },
  'an EventBridge event as a JSON object',
);

/** Where the finding of a `Finding Changed` event stands. Throws `InvalidInput` for any other JSON value. */
export function parseFindingChanged(body: unknown): Pick<FindingChanged, 'scope' | 'key'> {
  const { scope, key } = read(message, body, '').detail;
  return { scope, key };
}
