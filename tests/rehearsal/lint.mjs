import { join } from 'node:path';
import { CommandFailed } from './children.mjs';

/** What cfn-lint may say, and why it stands. Anything else fails the rehearsal. */
const known = [
  {
    rule: 'W3005',
    at: /^Resources\/\w+LambdaFunction\/DependsOn\//,
    because:
      'the Serverless Framework lets each function depend on its role, which the function names anyway',
  },
];

/** Runs cfn-lint on templates; answers how many known warnings there are, and throws with every other. */
export async function lint(templates, { bin, run, root }) {
  // Its exit status says that there is something; what there is stands in its output.
  const output = await run(join(bin, 'cfn-lint'), ['--format', 'json', ...templates], { cwd: root }).catch(
    (error) => {
      if (error instanceof CommandFailed && error.message.startsWith('[')) return error.message;
      throw error;
    },
  );
  const found = JSON.parse(output.trim() || '[]');
  const isKnown = (one) => known.some(({ rule, at }) => rule === one.Rule.Id && at.test(pathOf(one)));
  const others = found.filter((one) => !isKnown(one));
  if (others.length > 0) throw new Error(others.map(lineOf).join('\n'));
  return found.length;
}

function pathOf({ Location }) {
  return Location.Path?.join('/') ?? '';
}

function lineOf(one) {
  return `${one.Filename}: ${pathOf(one)}: ${one.Rule.Id} ${one.Message}`;
}
