#!/usr/bin/env node
// Plain JavaScript, so that the checkout needs no build before its first command, not even npm's install scripts.

// Node 20 is supported for as long as the SDK's releases of today are; the README says until when.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import('../build.mjs')
  .then(({ buildCli }) => buildCli())
  .then((file) => require(file))
  .catch((error) => {
    process.stderr.write(`ecr-warden cannot start: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 2;
  });
