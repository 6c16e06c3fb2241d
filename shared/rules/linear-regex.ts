import { InvalidInput } from '../domain/errors';

/**
 * A regular expression in RE2's syntax, which knows no look-around and no back-references and therefore needs time
 * linear in the text. Throws `InvalidInput` with the engine's reason.
 */
export function linearRegex(expression: string): (text: string) => boolean {
  const { RE2JS, RE2JSSyntaxException } = loadEngine();
  try {
    const compiled = RE2JS.compile(expression);
    return (text) => compiled.test(text);
  } catch (reason) {
    if (!(reason instanceof RE2JSSyntaxException)) throw reason;
    const why = reason.message.replace(/^error parsing regexp: /, '');
    throw new InvalidInput(`/${expression}/ is not a regular expression that runs in linear time: ${why}`);
  }
}

/** The engine is larger than everything else that judges a tag, and most policies need none. */
function loadEngine(): typeof import('re2js') {
  return require('re2js');
}
