/**
 * Browsers that run under the locale C call their language `en-US@posix`, which is none, and on
 * which uPlot fails while it is loaded.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' });
}
