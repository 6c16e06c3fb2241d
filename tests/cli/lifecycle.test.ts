import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LifecycleSimulateOptions, lifecycleSimulate } from '../../cli/lifecycle-simulate';
import { lifecycleValidate } from '../../cli/lifecycle-validate';
import type { Terminal } from '../../cli/output';
import { archive, expire, policyText } from '../builders/lifecycle';

const now = Date.parse('2026-11-20T00:00:00Z');

async function captured(run: (terminal: Terminal) => number | Promise<number>) {
  let stdout = '';
  let stderr = '';
  const code = await run({
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    width: 200,
    interactive: false,
    paint: (_, text) => text,
  });
  return { code, stdout, stderr };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifecycle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const rules = [expire(1, ['v*'], { keep: 1 }), archive(2, 'untagged', { pushed: 30 })];
const policyValue = { rules };
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const gibibyte = 2 ** 30;
const images = [
  {
    imageDigest: digest('a'),
    imageTags: ['v1'],
    imagePushedAt: '2026-11-01T01:00:00+01:00',
    imageSizeInBytes: 10 * gibibyte,
  },
  {
    imageDigest: digest('b'),
    imageTags: ['v2'],
    imagePushedAt: 1_795_000_000,
    imageSizeInBytes: 20 * gibibyte,
  },
  { imageDigest: digest('c'), imagePushedAt: '1780000000', imageSizeInBytes: gibibyte },
  { imageDigest: digest('d'), imagePushedAt: '2026-11-01T00:00:00Z', subjectManifestDigest: digest('a') },
];
const result = {
  previewResults: [
    {
      imageDigest: digest('c'),
      imageTags: [],
      imagePushedAt: '2026-05-28T20:26:40Z',
      action: { type: 'TRANSITION', targetStorageClass: 'ARCHIVE' },
      appliedRulePriority: 2,
    },
    {
      imageDigest: digest('a'),
      imageTags: ['v1'],
      imagePushedAt: '2026-11-01T00:00:00Z',
      action: { type: 'EXPIRE' },
      appliedRulePriority: 1,
    },
  ],
  kept: [
    { imageDigest: digest('d'), imageTags: [], reason: 'follows', subjectManifestDigest: digest('a') },
    { imageDigest: digest('b'), imageTags: ['v2'], reason: 'among-newest', rulePriority: 1 },
  ],
  summary: { expiringImageTotalCount: 1, transitioningImageTotalCount: 1, bytes: 10 * gibibyte },
};

describe('lifecycle validate', () => {
  test('takes what ECR takes', async () => {
    const file = written('good.json', policyText(policyValue));
    expect(await captured((out) => lifecycleValidate({ file }, out))).toEqual({
      code: 0,
      stdout: `${file} is valid\n`,
      stderr: '',
    });
    const { stdout } = await captured((out) => lifecycleValidate({ file, output: 'json' }, out));
    expect(JSON.parse(stdout)).toEqual({ valid: true, errors: [] });
  });

  test('names rule and place of each error', async () => {
    const file = written(
      'bad.json',
      policyText({
        rules: [{ ...rules[1], rulePriority: 20, action: { type: 'expire', targetStorageClass: 'archive' } }],
      }),
    );
    const json = await captured((out) => lifecycleValidate({ file, output: 'json' }, out));
    expect({ ...json, stdout: JSON.parse(json.stdout) }).toEqual({
      code: 1,
      stdout: {
        valid: false,
        errors: [
          {
            rulePriority: 20,
            path: 'rules[0].action.targetStorageClass',
            message: 'leave it out: "expire" deletes the image',
          },
        ],
      },
      stderr: '',
    });
    const text = await captured((out) => lifecycleValidate({ file }, out));
    expect(text.stdout).toBe(
      `${file}: error: rules[0].action.targetStorageClass (priority 20): leave it out: "expire" deletes the image\n${file} is not valid: 1 error\n`,
    );
  });

  test('judges what is no JSON, also for a byte order mark', async () => {
    for (const text of [policyText(policyValue).slice(1), `\ufeff${policyText(policyValue)}`, '']) {
      const file = written('no-json.json', text);
      const { code, stdout } = await captured((out) => lifecycleValidate({ file, output: 'json' }, out));
      expect([code, JSON.parse(stdout).valid]).toEqual([1, false]);
    }
  });

  test('cannot judge a file that is not there', async () => {
    const file = join(folder, 'gone.json');
    expect(await captured((out) => lifecycleValidate({ file, output: 'json' }, out))).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('cannot read'),
    });
  });
});

describe('lifecycle simulate', () => {
  const run = (options: Partial<LifecycleSimulateOptions>) =>
    captured((out) => lifecycleSimulate({ now, ...options }, out));
  const policy = () => written('policy.json', policyText(policyValue));
  const imagesFile = (value: unknown = images) => written('images.json', JSON.stringify(value));

  test('prints one JSON document', async () => {
    for (const given of [images, { imageDetails: images }]) {
      const { code, stdout, stderr } = await run({
        policy: policy(),
        images: imagesFile(given),
        output: 'json',
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual(result);
    }
  });

  test('prints one document for many images too', async () => {
    const many = Array.from({ length: 2500 }, (_, at) => ({
      imageDigest: `sha256:${at}`,
      imageTags: [at % 2 ? `v${at}` : `x"${at}`],
      imagePushedAt: 1_790_000_000 + at,
    }));
    const { stdout } = await run({ policy: policy(), images: imagesFile(many), output: 'json' });
    const { previewResults, kept } = JSON.parse(stdout);
    expect([previewResults.length, kept.length]).toEqual([1249, 1251]);
    expect(kept[7].imageTags).toEqual(['x"14']);
  });

  test('says sums, what goes, and how much stays', async () => {
    const { stdout } = await run({ policy: policy(), images: imagesFile() });
    expect(stdout).toMatch(/^before +4 +31\.0 GiB +3\.10$/m);
    expect(stdout).toMatch(/^expire +-1 +-10\.0 GiB +-1\.00$/m);
    expect(stdout).toMatch(/^archive +1 +1\.0 GiB +0\.10$/m);
    expect(stdout).toMatch(/^after +3 +21\.0 GiB +2\.10$/m);
    expect(stdout).toContain('upper bounds: ECR bills a layer that images share once');
    expect(stdout).toContain('1 image without a size count');
    expect(stdout).toMatch(/^expire +1 +sha256:aaaaaaaaaaaa +v1 +2026-11-01T00:00:00Z +10\.0 GiB$/m);
    expect(stdout).toContain('No rule acts on 2 images: 1 among the newest that a rule leaves, 1 go with');
    expect(stdout).not.toContain('sha256:bbbbbbbbbbbb');
  });

  test('says why each image stays when asked', async () => {
    const { stdout } = await run({ policy: policy(), images: imagesFile(), reasons: true });
    expect(stdout).toMatch(/^sha256:bbbbbbbbbbbb +v2 +rule 1 leaves the newest 1$/m);
    expect(stdout).toMatch(/^sha256:dddddddddddd +goes with sha256:aaaaaaaaaaaa$/m);
  });

  test('says so when nothing goes', async () => {
    const { stdout } = await run({ policy: policy(), images: imagesFile([]) });
    expect(stdout).toContain('Nothing goes at 2026-11-20T00:00:00Z.');
  });

  test('takes a template of the policy file', async () => {
    const template = JSON.stringify(rules);
    const policyFile = written('policy.yaml', `version: 1\nlifecycle:\n  services: ${template}\n`);
    const options = { policyFile, images: imagesFile(), output: 'json' } as const;
    expect(JSON.parse((await run({ ...options, template: 'services' })).stdout)).toEqual(result);
    await expect(run({ ...options, template: 'servics' })).rejects.toThrow(
      /"servics": did you mean "services"\?/,
    );
    await expect(run({ ...options, template: 'toString' })).rejects.toThrow(/"toString": it has services/);
    const broken = written('broken.yaml', 'version: 1\nlifecycle: { a: [{ rulePriority: 0 }] }\n');
    await expect(run({ ...options, template: 'a', policyFile: broken })).rejects.toThrow(
      /broken\.yaml:2:34: error: lifecycle\.a\[0\]\.rulePriority/,
    );
  });

  test.each<[string, () => Partial<LifecycleSimulateOptions>, RegExp]>([
    ['no policy', () => ({ images: imagesFile() }), /--policy is missing/],
    ['no images', () => ({ policy: policy() }), /--images is missing/],
    ['two policies', () => ({ policy: policy(), template: 'a', images: imagesFile() }), /give one of them/],
    ['a batch and a policy', () => ({ policy: policy(), batch: 'x' }), /leave --policy/],
    ['no such file', () => ({ policy: join(folder, 'gone'), images: imagesFile() }), /cannot read .*gone/],
    [
      'a policy that is not valid',
      () => ({ policy: written('bad.json', '{"rules":[]}'), images: imagesFile() }),
      /no valid lifecycle policy:\n {2}the text has 12 characters.*\n {2}rules: there are no rules/,
    ],
    [
      'images that are no JSON',
      () => ({ policy: policy(), images: written('images.txt', 'digest v1') }),
      /images\.txt is not JSON/,
    ],
    [
      'an image without a date',
      () => ({ policy: policy(), images: imagesFile([images[0], { imageDigest: 'a' }]) }),
      /images\[1\]\.imagePushedAt: it is missing/,
    ],
    [
      'a digest twice',
      () => ({ policy: policy(), images: imagesFile([images[0], images[0]]) }),
      /images\[1\]\.imageDigest: sha256:a+ stands at images\[0\] already/,
    ],
  ])('refuses %s', async (_, options, message) => {
    await expect(run(options())).rejects.toThrow(message);
  });

  describe('with a batch', () => {
    const lines = (...values: unknown[]): string =>
      written(
        'batch.jsonl',
        values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'),
      );

    test('answers a line by a line and gives other keys back', async () => {
      const batch = lines(
        { id: 7, policy: policyValue, images, now: '2026-11-20T00:00:00Z', summary: 'not this' },
        { policy: policyText(policyValue), images: { imageDetails: images }, now: now / 1000, __proto__x: 1 },
        '',
        { policy: policyValue, images: [] },
      );
      const { code, stdout, stderr } = await run({ batch });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const nothing = { expiringImageTotalCount: 0, transitioningImageTotalCount: 0, bytes: 0 };
      expect(
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toEqual([
        { id: 7, ...result },
        { __proto__x: 1, ...result },
        { previewResults: [], kept: [], summary: nothing },
      ]);
    });

    test('takes the clock where a line has none', async () => {
      const batch = lines({ policy: policyValue, images });
      const early = await run({ batch, now: Date.parse('2026-06-01T00:00:00Z') });
      expect(JSON.parse(early.stdout).summary.transitioningImageTotalCount).toBe(0);
    });

    test('no line stops another', async () => {
      const batch = lines(
        { id: 1, policy: { rules: [] }, images },
        '{"id": 2',
        { id: 3, policy: policyValue, images: [{}] },
        { id: 4, policy: policyValue, images, now: 'soon' },
        '[]',
        `{"id":5,"policy":{"rules":${'['.repeat(20_000)}${']'.repeat(20_000)}},"images":[]}`,
        { id: 6, images },
        { id: 7, policy: policyValue, images, now: '2026-11-20T00:00:00Z' },
      );
      const { code, stdout, stderr } = await run({ batch });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: '7 lines could not be simulated: see "error" in the answers\n',
      });
      const answers = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(answers.map(({ id, error }) => [id, error?.split(':')[0]])).toEqual([
        [1, 'policy'],
        [undefined, 'the line is not JSON'],
        [3, 'images[0].imageDigest'],
        [4, 'now'],
        [undefined, 'the line is no object such as {"policy"'],
        [5, expect.any(String)],
        [6, 'policy'],
        [7, undefined],
      ]);
      expect(answers[0].errors).toEqual([{ path: 'rules', message: expect.any(String) }]);
      expect(answers[7]).toEqual({ id: 7, ...result });
    });

    test('reads lines longer than a piece of the file, and a last one without an end', async () => {
      const note = 'ü'.repeat(2_000_000);
      const batch = lines(
        { note, policy: policyValue, images: [] },
        { id: 2, policy: policyValue, images: [] },
      );
      const { stdout } = await run({ batch });
      const answers = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(answers.map((answer) => [answer.id, answer.note === note])).toEqual([
        [undefined, true],
        [2, false],
      ]);
    });

    test('cannot start without the file', async () => {
      await expect(run({ batch: join(folder, 'gone.jsonl') })).rejects.toThrow(/cannot read .*gone\.jsonl/);
      await expect(run({ batch: folder })).rejects.toThrow(/cannot read/);
    });
  });
});
