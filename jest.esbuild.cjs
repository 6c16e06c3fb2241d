const { transformSync, version } = require('esbuild');
const { createHash } = require('node:crypto');

module.exports = {
  getCacheKey: (source, file) =>
    createHash('sha256')
      .update(version + file + source)
      .digest('hex'),
  process: (source, file) =>
    transformSync(source, {
      loader: /ts$/.test(file) ? 'ts' : 'js',
      format: 'cjs',
      target: 'node20',
      platform: 'node',
      sourcefile: file,
      sourcemap: 'both',
      sourcesContent: false,
    }),
};
