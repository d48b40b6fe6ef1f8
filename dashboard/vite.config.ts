import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Compresses as well as it gets, once, in place of whenever somebody asks. */
const compressed: Plugin = {
  name: 'compressed',
  async generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      const source = file.type === 'chunk' ? file.code : file.source;
      const { BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY } = constants;
      const params = { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY };
      const br = await promisify(brotliCompress)(source, { params });
      const gz = await promisify(gzip)(source, { level: 9 });
      this.emitFile({ type: 'asset', fileName: `${file.fileName}.br`, source: br });
      this.emitFile({ type: 'asset', fileName: `${file.fileName}.gz`, source: gz });
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  plugins: [{ ...compressed, enforce: 'post' }],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2024',
    // The page's policy lets in files only, and no data within others.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
