/** The page is exported as plain files and served by the carrel binary; nothing of Next runs on a server. */
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const config: NextConfig = {
  output: 'export',
  trailingSlash: true,
  images: { unoptimized: true },
  reactStrictMode: true,
  poweredByHeader: false,
  // A fixed id makes two builds of the same source byte-identical.
  generateBuildId: () => 'carrel',
  outputFileTracingRoot: fileURLToPath(new URL('.', import.meta.url)),
  // `npm run lint` checks both, with this project's own rules.
  eslint: { ignoreDuringBuilds: true },
};

export default config;
