import { SSMClient } from '@aws-sdk/client-ssm';
import { AwsError } from '../../local/service';
import { secret } from '../../shared/aws/secret';
import { Refused, Unavailable } from '../../shared/domain/errors';
import { account, region } from '../builders/resources';
import { inProcess } from '../local/sdk';

function store(answer: () => string) {
  const asked: unknown[] = [];
  const clock = { now: 0 };
  const client = new SSMClient({
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: inProcess(
      [
        {
          target: 'AmazonSSM',
          jsonVersion: '1.1',
          async call({ input }) {
            asked.push(input);
            return { Parameter: { Name: input.Name, Value: answer() } };
          },
        },
      ],
      { account, region },
    ),
  });
  return { asked, clock, read: secret(client, '/ecr-warden/slack-token', () => clock.now) };
}

test('is read decrypted, once in five minutes, and then anew', async () => {
  let value = 'xoxb-1\n';
  const { asked, clock, read } = store(() => value);
  expect(await read()).toBe('xoxb-1');
  value = 'xoxb-2';
  clock.now = 299_999;
  expect(await read()).toBe('xoxb-1');
  clock.now = 300_000;
  expect(await read()).toBe('xoxb-2');
  expect(asked).toEqual(Array(2).fill({ Name: '/ecr-warden/slack-token', WithDecryption: true }));
});

test.each([
  ['ParameterNotFound', Refused, 'aws ssm put-parameter --type SecureString --name /ecr-warden/slack-token'],
  ['AccessDeniedException', Refused, 'allow ssm:GetParameter'],
  ['ThrottlingException', Unavailable, '/ecr-warden/slack-token'],
] as const)('%s says what to do', async (code, kind, words) => {
  const { read } = store(() => {
    throw new AwsError(code, 'no');
  });
  const failed = read();
  await expect(failed).rejects.toBeInstanceOf(kind);
  await expect(failed).rejects.toThrow(words);
});

test('a failure is not remembered', async () => {
  let there = false;
  const { read } = store(() => {
    if (!there) throw new AwsError('ParameterNotFound', 'no');
    return 'xoxb-1';
  });
  await expect(read()).rejects.toThrow();
  there = true;
  expect(await read()).toBe('xoxb-1');
});
