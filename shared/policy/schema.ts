import * as z from 'zod/mini';
import { durationMilliseconds } from '../domain/duration';
import { InvalidInput } from '../domain/errors';
import { severities } from '../domain/result';
import { catalogue } from '../rules';
import { patternProblem, repositoryGlobs, tagPattern } from '../rules/pattern';
import type { Rule } from '../rules/rule';
import { type ExemptionEntry, type PolicyDocument, presetNames } from './policy-document';

const described = (sentence: string) => z.describe<string>(sentence);

/** Text that a function takes without throwing `InvalidInput`; what that says becomes the schema's message. */
function textFor(accept: (text: string) => unknown) {
  return z.string().check(
    z.refine((text) => patternProblem(text, accept) === undefined, {
      error: ({ input }) => patternProblem(String(input), accept) ?? 'is not valid',
    }),
  );
}

function someText(sentence: string) {
  return z.string().check(z.minLength(1, 'must not be empty'), described(sentence));
}

const severity = z.enum(severities).check(z.describe('How bad a failure is.'));
const mode = z.enum(['report', 'enforce']).check(z.describe('Whether Warden only tells, or also acts.'));

const name = z
  .string()
  .check(
    z.regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'write lower-case letters, digits, ".", "_" and "-", 63 at most'),
  );
const region = z
  .string()
  .check(z.regex(/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/, 'write a Region such as eu-central-1'));
const account = z
  .string()
  .check(z.regex(/^\d{12}$/, 'an account id is twelve digits'), described('Twelve digits, in quotes.'));
const repositories = z
  .array(textFor(repositoryGlobs))
  .check(
    z.minLength(1, 'name at least one pattern'),
    z.describe('Globs: `*` within a segment, `**` across. Positive only.'),
  );
const duration = textFor(durationMilliseconds).check(described('Such as 30m, 24h or 14d.'));
const slackChannel = z
  .string()
  .check(
    z.regex(/^[^\s#@]{1,80}$/, 'write the channel’s name without "#", or its id'),
    described('A channel’s name without "#", or its id.'),
  );

const registry = z.strictObject({
  name,
  account,
  regions: z.array(region).check(z.minLength(1, 'name at least one Region')),
});

const destination = z
  .string()
  .check(
    z.regex(
      /^(\d{12}\/)?[a-z]{2}(-[a-z]+)+-\d{1,2}$/,
      'write a Region, or an account and a Region as in 111122223333/eu-west-1',
    ),
    described('A Region of the same account, or `<account>/<Region>`.'),
  );

const namespace = z.strictObject({
  name,
  repositories,
  registries: z.optional(
    z
      .array(z.string())
      .check(
        z.minLength(1, 'name a registry, or leave the key out for all'),
        z.describe('Names from `registries`. Left out: all.'),
      ),
  ),
  owner: z.optional(
    z.strictObject({
      team: someText('Who is told, and who decides.'),
      slack: z.optional(slackChannel),
      approvers: z.optional(
        z
          .array(
            z
              .string()
              .check(
                z.regex(/^[SUW][A-Z0-9]+$/, 'write the id of a Slack user or user group, such as S0PAYMENTS'),
              ),
          )
          .check(z.describe('Ids of Slack users or user groups.')),
      ),
    }),
  ),
  mode: z.optional(mode),
  lifecycle: z.optional(z.string().check(described('A template of `lifecycle`.'))),
  replication: z.optional(
    z
      .strictObject({
        to: z.array(destination).check(z.minLength(1, 'name at least one Region')),
        within: duration,
      })
      .check(z.describe('Where images have to be, and how soon. Also selects the rule `replicated`.')),
  ),
  rules: z.optional(ruleEntries()),
});

const lifecycleTemplate = z
  .array(z.looseObject({}))
  .check(
    z.minLength(1, 'a lifecycle policy has at least one rule'),
    z.describe('Rules in ECR’s own grammar.'),
  );

const wholeNumber = z.int().check(z.minimum(0, 'write 0 or more'));

export const policySchema: z.ZodMiniType<PolicyDocument> = z.strictObject({
  version: z.literal(1),
  extends: z.optional(z.enum(presetNames).check(z.describe('A preset whose rules are the start.'))),
  registries: z.optional(
    z
      .array(registry)
      .check(
        z.minLength(1, 'name a registry, or leave the key out to govern all'),
        z.describe(
          'What is governed: no event, role or look-up goes elsewhere. Left out: what the credentials reach.',
        ),
      ),
  ),
  mode: z.optional(mode),
  rules: z.optional(ruleEntries()),
  namespaces: z.optional(
    z
      .array(namespace)
      .check(z.describe('Repository patterns with one owner; a repository has the most specific match.')),
  ),
  lifecycle: z.optional(z.record(name, lifecycleTemplate).check(z.describe('Lifecycle templates, by name.'))),
  protect: z.optional(
    z.strictObject({ tags: z.array(textFor(tagPattern)) }).check(z.describe('What no action ever touches.')),
  ),
  limits: z.optional(
    z.strictObject({
      actionsPerHour: z.optional(wholeNumber),
      actionsPerRepositoryPerHour: z.optional(wholeNumber),
      minimumTaggedImages: z.optional(
        wholeNumber.check(z.describe('An action leaves at least so many tagged images.')),
      ),
    }),
  ),
  alerts: z.optional(
    z.strictObject({
      slack: z.optional(
        z.strictObject({
          channel: slackChannel,
          minimumSeverity: z.optional(severity),
          digest: z.optional(
            z.strictObject({
              at: z
                .string()
                .check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time of day such as "09:00"')),
              timezone: z.optional(
                textFor(timezone).check(described('Such as Europe/Berlin. Left out: UTC.')),
              ),
            }),
          ),
        }),
      ),
    }),
  ),
  exemptions: z.optional(someText('The exemptions file, relative to this one.')),
});

export const exemptionsSchema: z.ZodMiniType<readonly ExemptionEntry[]> = z.array(
  z.strictObject({
    rule: z.string(),
    repositories,
    tags: z.optional(z.array(textFor(tagPattern)).check(z.minLength(1, 'name a tag, or leave the key out'))),
    digests: z.optional(
      z
        .array(z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, 'write sha256: and 64 hexadecimal digits')))
        .check(z.minLength(1, 'name a digest, or leave the key out')),
    ),
    owner: someText('Who asked for it.'),
    ticket: someText('Where it was agreed.'),
    reason: someText('Why the rule may be broken.'),
    through: textFor(calendarDay),
  }),
);

/** The JSON Schema (draft 7) of the policy file, for editors. */
export function policyJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(policySchema, { io: 'input', target: 'draft-7' });
  return { ...schema, title: 'ECR Warden policy' } as JsonSchema;
}

/** The JSON Schema of the exemptions file. */
export function exemptionsJsonSchema(): JsonSchema {
  return z.toJSONSchema(exemptionsSchema, { io: 'input', target: 'draft-7' }) as JsonSchema;
}

/** As much of JSON Schema as is read here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
}

function ruleEntries() {
  return z
    .strictObject(Object.fromEntries(catalogue.map((rule) => [rule.id, z.optional(ruleEntry(rule))])))
    .check(z.describe('Settings by rule, or `disabled`.'));
}

function ruleEntry(rule: Rule) {
  const settings = z.strictObject({
    severity: z.optional(severity),
    action: z.optional(
      rule.actions.length > 0
        ? z.enum(rule.actions).check(z.describe('What enforce does, and what a plan shows in report mode.'))
        : z.never('this rule has no action: only people can put it right'),
    ),
    mode: z.optional(mode),
    with: z.optional(layerOf(rule.parameters)),
  });
  return z.union([z.literal('disabled'), settings]).check(z.describe(rule.sentence));
}

/** The parameters as one layer may give them: any key may come from another. */
function layerOf(parameters: Rule['parameters']) {
  if (!(parameters instanceof z.ZodMiniObject)) return z.record(z.string(), z.unknown());
  const keys = Object.entries(parameters.shape);
  return z.strictObject(Object.fromEntries(keys.map(([key, value]) => [key, z.optional(value)])));
}

function timezone(text: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
  } catch {
    throw new InvalidInput(`"${text}" is no time zone: write one such as Europe/Berlin`);
  }
}

function calendarDay(text: string): void {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  if (!time || Number.isNaN(time.getTime()) || !time.toISOString().startsWith(text)) {
    throw new InvalidInput(`"${text}" is no day: write one such as 2027-01-31`);
  }
}
