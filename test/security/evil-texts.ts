/** Each means something to somebody that must not take it for more than text; none is longer than a status. */
export const evilTexts: readonly string[] = [
  `'; create table injected (); --`,
  `' or '1' = '1`,
  `") or true; create table injected (); --`,
  `\\'; create table injected (); --`,
  '$1; create table injected ()',
  '{"a":1}\'::jsonb or true --',
  'a\r\nx-injected: b',
  'a\n{"level":60,"msg":"injected"}',
  '\u001b[2J\u009b31m\u0007',
  'a"} 1\ninjected 1',
  'a\0b',
  'a\ud800b',
  '__proto__',
  'constructor',
  '%00%0d%0ax-injected:%20b',
  '../../../../etc/passwd',
  '<script>{{7*7}}%s%n#{7*7}',
];

/** How a text is stored: PostgreSQL has no NUL, and UTF-8 no half of a pair. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd');
