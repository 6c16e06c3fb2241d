module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  transform: { '\\.[mc]?[jt]s$': '<rootDir>/jest.esbuild.cjs' },
  // ESM-only packages (p-limit, minimatch) are transformed like our own files.
  transformIgnorePatterns: [],
  setupFiles: ['<rootDir>/tests/setup.cjs'],
  reporters: ['default', '<rootDir>/tests/closing-line.cjs'],
  // Both cores of a small machine: by default jest leaves one idle.
  maxWorkers: '100%',
  testTimeout: 30_000,
};
