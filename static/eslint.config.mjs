/** Lints, each picked for a reason. */
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['.next/', 'out/', 'node_modules/', 'public/', 'src/api/schema.ts', 'next-env.d.ts'] },
  {
    files: ['src/**/*.{ts,tsx}', 'monaco/**/*.ts', '*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'react-hooks': reactHooks },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...reactHooks.configs.recommended.rules,
      'react-hooks/exhaustive-deps': 'error',
      // `any` would switch the checks off where they matter: at the wire.
      '@typescript-eslint/no-explicit-any': 'error',
      // A promise nobody waits for hides its failure.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 300 }],
      'no-restricted-syntax': [
        'error',
        // Barrel files hide what depends on what.
        { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file itself.' },
      ],
    },
  },
  {
    // Components know nothing of the product: no features, no server.
    files: ['src/components/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['@/features/*', '@/api/*', '../features/*', '../api/*'] },
      ],
    },
  },
  {
    // Plain modules stay usable without React's tree above them.
    files: ['src/lib/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['@/features/*', '@/components/*', '@/api/*'] }],
    },
  },
  {
    files: ['src/**/*.test.{ts,tsx}', 'src/test/**'],
    rules: { 'max-lines': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['**/*.mjs'],
    rules: { 'no-unused-vars': 'error', 'no-undef': 'off' },
  },
);
