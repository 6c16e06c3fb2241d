import type { FactName, Facts } from '../domain/facts';
import type { JudgedResult } from '../domain/finding';
import type { Holder } from '../domain/holder';
import type { Registry, Resource } from '../domain/resource';
import { type Result, skip } from '../domain/result';
import type { EffectivePolicy, SelectedRule } from '../policy/effective-policy';
import type { Rule } from '../rules/rule';

/** What is judged, with everything that judging may look at. */
export interface Judged {
  readonly resource: Resource;
  readonly policy: EffectivePolicy;
  /** At least the facts that the selected rules declare. */
  readonly facts: Partial<Facts>;
  readonly holder?: Holder;
  /** The digest that the tag or image stands for now, where it was read. */
  readonly digest?: string;
  /** The governed source whose tag has the same digest: this tag is then judged there. */
  readonly replicaOf?: Registry;
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface Evaluation {
  readonly results: readonly JudgedResult[];
  readonly passes: number;
}

/** The rules of a policy that apply to a kind of resource. */
export function rulesFor(policy: EffectivePolicy, resource: Resource): readonly SelectedRule[] {
  return policy.rules.filter(({ rule }) => rule.kind === resource.kind);
}

/** Judges one resource by every rule that applies: the one evaluation of event, sweep, preview and apply. Pure. */
export function evaluate(judged: Judged): Evaluation {
  const results: JudgedResult[] = [];
  let passes = 0;
  for (const selected of rulesFor(judged.policy, judged.resource)) {
    const result = judged.replicaOf ? skipReplica(judged.replicaOf) : runRule(selected, judged);
    if (result.status === 'pass') passes += 1;
    else results.push(judgedResult(selected, result, judged));
  }
  return { results, passes };
}

function skipReplica(source: Registry): Result {
  return skip(`a replica of ${source.region} (${source.account}), judged there`);
}

function runRule({ rule, parameters }: SelectedRule, judged: Judged): Result {
  const { resource, holder, policy, now } = judged;
  return rule.evaluate(
    {
      resource,
      facts: onlyDeclared(rule, judged.facts),
      now,
      ...(holder && { holder }),
      ...(policy.namespace && { namespace: policy.namespace }),
    },
    parameters,
  );
}

/** The facts as the rule declared them: one that it did not declare, or nobody loaded, is a fault of ours. */
function onlyDeclared(rule: Rule, facts: Partial<Facts>): Facts {
  return new Proxy(facts, {
    get(loaded, name) {
      const declared = rule.facts.includes(name as FactName);
      if (!declared || !(name in loaded)) {
        throw new Error(
          `rule ${rule.id} reads the fact "${String(name)}", which it ${declared ? 'was not given' : 'does not declare'}`,
        );
      }
      return loaded[name as FactName];
    },
  }) as Facts;
}

function judgedResult(
  selected: SelectedRule,
  result: Exclude<Result, { status: 'pass' }>,
  judged: Judged,
): JudgedResult {
  const { rule, severity, mode, action } = selected;
  const { resource, policy, digest, now } = judged;
  const exemption =
    result.status === 'fail' ? policy.exemptionFor(rule.id, resource, digest, now) : undefined;
  return {
    rule: rule.id,
    status: result.status,
    severity,
    message: result.message,
    mode,
    ...('evidence' in result && Object.keys(result.evidence).length > 0 && { evidence: result.evidence }),
    ...(result.status === 'pending' && { until: result.until }),
    ...(exemption && { exemption, until: endOf(exemption.through) }),
    ...(digest && { digest }),
    ...(action && { action }),
  };
}

/** `through` is inclusive: the exemption ends when the next day begins, in UTC. */
function endOf(through: string): string {
  return new Date(Date.parse(`${through}T00:00:00Z`) + 86_400_000).toISOString().replace('.000Z', 'Z');
}
