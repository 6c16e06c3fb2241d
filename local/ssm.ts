import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checked } from './checked';
import type { Clock } from './clock';
import { AwsError, type Call, type Service } from './service';

export interface Ssm extends Service {
  /** All parameters, as JSON can hold them. */
  snapshot(): object;
  /** Puts back what `snapshot` gave. Throws an Error for other data. */
  restore(snapshot: unknown): void;
}

const TYPE = z.enum(['String', 'StringList', 'SecureString']);
const PARAMETER = z.object({
  name: z.string(),
  type: TYPE,
  value: z.string(),
  version: z.int(),
  /** Epoch milliseconds. */
  modifiedAt: z.number(),
});
type Parameter = z.infer<typeof PARAMETER>;
const SNAPSHOT = z.object({ parameters: z.record(z.string(), PARAMETER) });

const PUT = z.object({
  Name: z.string().regex(/^[a-zA-Z0-9_./-]+$/),
  Value: z.string().min(1).max(8192),
  Type: TYPE.optional(),
  Overwrite: z.boolean().default(false),
});
const GET = z.object({ Name: z.string(), WithDecryption: z.boolean().default(false) });
const GET_SEVERAL = z.object({
  Names: z.array(z.string()).min(1).max(10),
  WithDecryption: z.boolean().default(false),
});

/** Parameter Store: text by name. There is no key service: SecureString is kept as it is and shown only decrypted. */
export function createSsm({ clock }: { clock: Clock }): Ssm {
  const parameters = new Map<string, Parameter>();

  const arnOf = ({ account, region }: Call, name: string) =>
    `arn:aws:ssm:${region}:${account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;

  /** By name, or by ARN. */
  function find(call: Call, name: string): Parameter | undefined {
    return parameters.get(name.startsWith('arn:') ? name : arnOf(call, name));
  }

  function shown(call: Call, parameter: Parameter, decrypt: boolean): object {
    const { name, type, value, version, modifiedAt } = parameter;
    return {
      Name: name,
      Type: type,
      Value: type === 'SecureString' && !decrypt ? ciphertext(value) : value,
      Version: version,
      LastModifiedDate: modifiedAt / 1000,
      ARN: arnOf(call, name),
      DataType: 'text',
    };
  }

  return {
    target: 'AmazonSSM',
    jsonVersion: '1.1',
    async call(call) {
      switch (call.operation) {
        case 'GetParameter': {
          const { Name, WithDecryption } = checked(GET, call.input);
          const parameter = find(call, Name);
          if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${Name} does not exist.`);
          return { Parameter: shown(call, parameter, WithDecryption) };
        }
        case 'GetParameters': {
          const { Names, WithDecryption } = checked(GET_SEVERAL, call.input);
          const found = Names.map((name) => ({ name, parameter: find(call, name) }));
          return {
            Parameters: found.flatMap(({ parameter }) =>
              parameter ? [shown(call, parameter, WithDecryption)] : [],
            ),
            InvalidParameters: found.filter(({ parameter }) => !parameter).map(({ name }) => name),
          };
        }
        case 'PutParameter': {
          const { Name: name, Value: value, Type, Overwrite } = checked(PUT, call.input);
          const known = find(call, name);
          if (known && !Overwrite) {
            throw new AwsError(
              'ParameterAlreadyExists',
              `Parameter ${name} exists: set Overwrite to replace it.`,
            );
          }
          const type = Type ?? known?.type;
          if (!type) throw new AwsError('ValidationException', 'Type: required for a new parameter.');
          const version = (known?.version ?? 0) + 1;
          parameters.set(arnOf(call, name), { name, type, value, version, modifiedAt: clock.now() });
          return { Version: version, Tier: 'Standard' };
        }
        default:
          throw new AwsError('UnknownOperationException', `SSM here does not know ${call.operation}.`);
      }
    },
    snapshot: () => ({ parameters: Object.fromEntries(parameters) }),
    restore(snapshot) {
      for (const [arn, parameter] of Object.entries(SNAPSHOT.parse(snapshot).parameters)) {
        parameters.set(arn, parameter);
      }
    },
  };
}

/** Not the value: a caller who forgot `WithDecryption` must see it here as well. */
function ciphertext(value: string): string {
  return createHash('sha256').update(value).digest('base64');
}
