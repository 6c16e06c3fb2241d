import fc from 'fast-check';
import { readReference } from '../../cli/reference';
import { digest } from '../builders/resources';

describe('what people type to name an image', () => {
  it.each([
    ['busybox', { repository: 'busybox' }],
    ['payments/api:v1.4.0', { repository: 'payments/api', tag: 'v1.4.0' }],
    [`payments/api@${digest('a')}`, { repository: 'payments/api', digest: digest('a') }],
    [
      '111122223333.dkr.ecr.eu-central-1.amazonaws.com/payments/api:latest',
      {
        repository: 'payments/api',
        tag: 'latest',
        registry: { account: '111122223333', region: 'eu-central-1' },
      },
    ],
    [
      '111122223333.dkr-ecr.eu-west-1.on.aws/payments/api',
      { repository: 'payments/api', registry: { account: '111122223333', region: 'eu-west-1' } },
    ],
  ])('%s', (text, reference) => {
    expect(readReference(text)).toEqual(reference);
  });

  it.each([
    '',
    ':v1',
    'Payments/api',
    'payments/api:',
    'payments/api:a b',
    `a:v1@${digest('a')}`,
    'a@sha256:12',
    'http://x/y',
  ])('%j is none, and the error shows one', (text) => {
    expect(() => readReference(text)).toThrow(/names no image: write REPOSITORY.*payments\/api:v1\.4\.0/);
  });

  it('is read back from its parts', () => {
    const segment = fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?$/);
    const repository = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
    void fc.assert(
      fc.property(repository, tag, (name, label) => {
        expect(readReference(`${name}:${label}`)).toEqual({ repository: name, tag: label });
        expect(readReference(name)).toEqual({ repository: name });
      }),
    );
  });
});
