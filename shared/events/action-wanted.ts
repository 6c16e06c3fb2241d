import type { ActionKind } from '../domain/action';
import type { Resource } from '../domain/resource';

/** Asks `enforce` to look at a resource again and, if it still should, to act. */
export type ActionWanted = {
  readonly id: string;
  readonly scope: string;
  /** The key in `state` of the finding that the action puts right. */
  readonly key: string;
  readonly rule: string;
  readonly action: ActionKind;
  readonly resource: Resource;
  /** Of the record that wants the action. */
  readonly sequence: number;
  /** The policy that wanted it: under another one the wish has to be stated anew. */
  readonly policyHash?: string;
};

export function actionWanted(detail: ActionWanted) {
  return { detailType: 'Action Wanted', detail } as const;
}
