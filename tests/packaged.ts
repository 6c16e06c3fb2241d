import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTemplate } from '../local/template';

export const root = join(__dirname, '..');
const hubFile = join(root, '.serverless/cloudformation-template-update-stack.json');

/** `npm run package`, of which only what changed is done again. */
export function packageAll(): void {
  execFileSync(process.execPath, [join(root, 'build.mjs'), '--package'], { cwd: root, stdio: 'pipe' });
  if (!existsSync(hubFile)) throw new Error(`${hubFile} was not made`);
}

export interface Template {
  readonly Parameters: Readonly<Record<string, { readonly Default?: string | number }>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into properties of every type
  readonly Properties: any;
}

/** The hub's template as it is deployed. */
export function hubTemplate(): Template {
  return parseTemplate(readFileSync(hubFile, 'utf8'), hubFile) as Template;
}

export function memberTemplate(): Template {
  return parseTemplate(readFileSync(join(root, 'member.yaml'), 'utf8'), 'member.yaml') as Template;
}

export function ofType(template: Template, type: string): [string, TemplateResource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}
