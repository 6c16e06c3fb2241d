import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { Refused } from '../domain/errors';
import { asUnavailable, nameOf } from './errors';

/** How long a value is used before it is read again: a rotated one is taken up within minutes. */
const keptMilliseconds = 300_000;

/**
 * A secret from Parameter Store (a SecureString), read when it is first needed. Throws `Refused` with what to do where
 * there is none or it may not be read. The value stands in no error.
 */
export function secret(client: SSMClient, name: string, now: () => number): () => Promise<string> {
  let known: { readonly value: string; readonly until: number } | undefined;
  return async () => {
    if (known && now() < known.until) return known.value;
    const value = await read(client, name);
    known = { value, until: now() + keptMilliseconds };
    return value;
  };
}

async function read(client: SSMClient, name: string): Promise<string> {
  try {
    const command = new GetParameterCommand({ Name: name, WithDecryption: true });
    const value = (await client.send(command)).Parameter?.Value?.trim();
    if (value) return value;
  } catch (error) {
    if (nameOf(error) === 'AccessDeniedException') {
      throw new Refused(
        `the parameter ${name} may not be read: allow ssm:GetParameter on it, and kms:Decrypt on its key if the key is your own`,
      );
    }
    if (nameOf(error) !== 'ParameterNotFound') throw asUnavailable(`reading the parameter ${name}`, error);
  }
  throw new Refused(
    `the parameter ${name} is not set: aws ssm put-parameter --type SecureString --name ${name} --value …`,
  );
}
