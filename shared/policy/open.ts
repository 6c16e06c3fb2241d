import { InvalidInput } from '../domain/errors';
import type { Exemption } from '../domain/finding';
import type { Registry, Resource } from '../domain/resource';
import { ruleById } from '../rules';
import { repositoryGlobs, tagPattern } from '../rules/pattern';
import type { CompiledNamespace, CompiledPolicy, CompiledRule } from './compiled-policy';
import type { EffectivePolicy, Policy, SelectedRule } from './effective-policy';
import { namespaceFinder } from './namespace-match';
import { type ExemptionEntry, exemptionEnd } from './policy-document';

const cachedRepositories = 10_000;

/** Makes a compiled policy answer. Throws `InvalidInput` when it names a rule that this version has not. */
export function openPolicy(compiled: CompiledPolicy): Policy {
  const governed = (names?: readonly string[]) => {
    const entries = compiled.registries?.filter(({ name }) => !names || names.includes(name));
    return (registry: Registry): boolean =>
      !entries ||
      entries.some(
        ({ account, regions }) => account === registry.account && regions.includes(registry.region),
      );
  };
  const namespaces = compiled.namespaces.map((namespace) => ({
    ...namespace,
    rules: namespace.rules.map(selectedRule),
    holds: governed(namespace.registries),
  }));
  const findNamespace = namespaceFinder(namespaces);
  const outside = compiled.rules.map(selectedRule);
  const exemptionFor = exemptionFinder(compiled.exemptions);
  const cache = new Map<string, EffectivePolicy>();

  const effectiveFor = (registry: Registry, repository: string): EffectivePolicy => {
    const found = findNamespace(repository, ({ holds }) => holds(registry))?.namespace;
    if (!found) return { rules: outside, exemptionFor };
    return { namespace: ruleNamespace(found, registry), rules: found.rules, exemptionFor };
  };
  return {
    hash: compiled.hash,
    builtAt: compiled.builtAt,
    governs: governed(),
    effectiveFor(registry, repository) {
      if (repository === undefined) return { rules: outside, exemptionFor };
      const key = `${registry.account}/${registry.region}/${repository}`;
      const known = cache.get(key);
      if (known) return known;
      if (cache.size >= cachedRepositories) cache.clear();
      const made = effectiveFor(registry, repository);
      cache.set(key, made);
      return made;
    },
  };
}

function selectedRule({ id, ...settings }: CompiledRule): SelectedRule {
  const rule = ruleById(id);
  if (!rule)
    throw new InvalidInput(`the policy was compiled for another version: this one has no rule "${id}"`);
  return { rule, ...settings };
}

function ruleNamespace(
  { name, owner, replication }: Omit<CompiledNamespace, 'rules'>,
  registry: Registry,
): NonNullable<EffectivePolicy['namespace']> {
  return {
    name,
    ...(owner ? { owner } : {}),
    ...(replication
      ? {
          replication: {
            to: replication.to.flatMap((text) => destination(text, registry)),
            withinMilliseconds: replication.withinMilliseconds,
          },
        }
      : {}),
  };
}

/** A registry is no destination of its own images. */
function destination(text: string, source: Registry): Registry[] {
  const [region = '', account = source.account] = text.split('/').toReversed();
  return region === source.region && account === source.account ? [] : [{ account, region }];
}

function exemptionFinder(entries: readonly ExemptionEntry[]): EffectivePolicy['exemptionFor'] {
  const exemptions = entries
    .map((entry) => ({
      ...entry,
      repositories: entry.repositories.flatMap(repositoryGlobs),
      tags: entry.tags?.map(tagPattern),
      endsAt: exemptionEnd(entry.through),
    }))
    // Of several the one that lasts longest is in force, so that the end of another changes nothing.
    .sort((one, other) => other.endsAt - one.endsAt);
  return (rule, resource, digest, now) => {
    const found = exemptions.find(
      (one) =>
        one.rule === rule &&
        now < one.endsAt &&
        resource.kind !== 'registry' &&
        one.repositories.some((glob) => glob.matches(resource.repository)) &&
        (!one.tags ||
          (resource.kind === 'tag' && one.tags.some((pattern) => pattern.matches(resource.tag)))) &&
        (!one.digests || one.digests.includes(judgedDigest(resource, digest) ?? '')),
    );
    return found && exemptionOf(found);
  };
}

function judgedDigest(resource: Resource, digest: string | undefined): string | undefined {
  return resource.kind === 'image' ? resource.digest : digest;
}

function exemptionOf({ owner, ticket, reason, through }: Exemption): Exemption {
  return { owner, ticket, reason, through };
}
