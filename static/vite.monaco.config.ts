/**
 * Builds Monaco once, ahead of Next, into `public/vendor/monaco`.
 *
 * Next's webpack would make the worker a `blob:` URL or need a loader; a plain module with a plain
 * module worker next to it satisfies `script-src 'self'; worker-src 'self'` and is cached on its own.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  publicDir: false,
  logLevel: 'warn',
  base: './',
  build: {
    outDir: local('public/vendor/monaco'),
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    chunkSizeWarningLimit: 8000,
    modulePreload: false,
    rolldownOptions: {
      input: { monaco: local('monaco/editor.ts'), 'editor.worker': local('monaco/worker.ts') },
      preserveEntrySignatures: 'strict',
      output: {
        format: 'es',
        entryFileNames: '[name].js',
        chunkFileNames: 'chunks/[name]-[hash].js',
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith('.css')) ? 'monaco.css' : 'assets/[name]-[hash][extname]',
      },
    },
  },
});
