// The AWS SDK warns once a process that Node 20 support ends in January 2027; the README says so instead.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
