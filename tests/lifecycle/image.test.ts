import { readImages } from '../../shared/lifecycle/image';

const digest = `sha256:${'1'.repeat(64)}`;
const detail = { imageDigest: digest, imagePushedAt: '2026-11-20T10:00:00+01:00' };

test('reads what DescribeImages answers', () => {
  const imageDetails = [
    {
      ...detail,
      registryId: '111122223333',
      imageTags: ['v1'],
      imageSizeInBytes: 12,
      imageStatus: 'ARCHIVED',
      lastArchivedAt: 1_795_651_200,
      lastActivatedAt: '1795651201',
      lastRecordedPullTime: '2026-11-20T09:00:00Z',
      subjectManifestDigest: 'sha256:2',
      imageReferences: ['sha256:3'],
    },
  ];
  const image = {
    digest,
    tags: ['v1'],
    pushedAt: Date.parse('2026-11-20T09:00:00Z'),
    status: 'ARCHIVED',
    archivedAt: 1_795_651_200_000,
    activatedAt: 1_795_651_201_000,
    pulledAt: Date.parse('2026-11-20T09:00:00Z'),
    bytes: 12,
    children: ['sha256:3'],
    subject: 'sha256:2',
  };
  expect(readImages({ imageDetails, nextToken: null })).toEqual([image]);
  expect(readImages(imageDetails)).toEqual([image]);
});

test('what may be absent may be null', () => {
  const nothing = {
    imageTags: null,
    imageSizeInBytes: null,
    imageStatus: null,
    lastArchivedAt: null,
    lastActivatedAt: null,
    lastRecordedPullTime: null,
    subjectManifestDigest: null,
    imageReferences: null,
  };
  expect(readImages([{ ...detail, ...nothing }])).toEqual(readImages([detail]));
  expect(readImages([detail])[0]).toMatchObject({ tags: [], bytes: 0, status: 'ACTIVE', children: [] });
  expect(readImages([])).toEqual([]);
});

test.each<[unknown, RegExp]>([
  [{}, /^images: write what DescribeImages answers/],
  ['x', /^images: write/],
  [{ imageDetails: {} }, /^images: write/],
  [[detail, 'x'], /^images\[1\]: is no image/],
  [[{ ...detail, imageDigest: undefined }], /^images\[0\]\.imageDigest: it is missing/],
  [[{ ...detail, imageDigest: 7 }], /^images\[0\]\.imageDigest: write the digest as text, not 7/],
  [[{ imageDigest: digest }], /^images\[0\]\.imagePushedAt: it is missing/],
  [[{ ...detail, imagePushedAt: 'soon' }], /^images\[0\]\.imagePushedAt: "soon" is no time/],
  [[{ ...detail, lastArchivedAt: [] }], /^images\[0\]\.lastArchivedAt: \[\] is no time/],
  [[{ ...detail, lastRecordedPullTime: 1e13 }], /^images\[0\]\.lastRecordedPullTime: .*divide milliseconds/],
  [[{ ...detail, imageTags: 'v1' }], /^images\[0\]\.imageTags: write a list of texts/],
  [[{ ...detail, imageTags: ['v1', null] }], /^images\[0\]\.imageTags\[1\]: write text/],
  [[{ ...detail, imageReferences: [{ digest }] }], /^images\[0\]\.imageReferences\[0\]: write text/],
  [[{ ...detail, imageStatus: 'active' }], /^images\[0\]\.imageStatus: write one of ACTIVE, .*not "active"/],
  [
    [{ ...detail, imageSizeInBytes: '5' }],
    /^images\[0\]\.imageSizeInBytes: write a number of bytes, not "5"/,
  ],
  [[{ ...detail, imageSizeInBytes: -1 }], /^images\[0\]\.imageSizeInBytes/],
  [
    [{ ...detail, subjectManifestDigest: {} }],
    /^images\[0\]\.subjectManifestDigest: write the digest as text/,
  ],
])('%j is refused by its place', (value, message) => {
  expect(() => readImages(value)).toThrow(message);
});
