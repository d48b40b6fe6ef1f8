import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, join, matchesGlob, relative, resolve } from 'node:path';

interface Instruction {
  readonly keyword: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, with comments gone and continued lines joined. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, keyword, text] = /^(\w+)\s+(.*)$/.exec(line) as unknown as [string, string, string];
    const name = / AS (\S+)$/i.exec(text)?.[1] ?? String(stages.length);
    if (keyword === 'FROM') stages.push({ name, instructions: [{ keyword, text }] });
    else stages.at(-1)?.instructions.push({ keyword, text });
  }
  return stages;
}

/** What a stage says by a keyword, in order. */
export function texts(stage: Stage, keyword: string): string[] {
  return stage.instructions.filter((found) => found.keyword === keyword).map(({ text }) => text);
}

/** The environment that a stage sets. */
export function environmentOf(stage: Stage): Record<string, string> {
  const settings = texts(stage, 'ENV').flatMap((text) => text.trim().split(/\s+/));
  return Object.fromEntries(settings.map((setting) => setting.split(/=(.*)/s, 2)));
}

/**
 * Does what the stages' WORKDIR, COPY and npm's RUN say, each stage in a folder of its own below
 * `directory`, which stands for the root; gives the last one's. Other RUNs change owners, which
 * takes an image's users.
 */
export function replay(stages: readonly Stage[], context: string, directory: string): string {
  const isIncluded = readDockerignore(context);
  const rootOf = (stage: string) => join(directory, stage);
  for (const stage of stages) {
    let workdir = rootOf(stage.name);
    for (const { keyword, text } of stage.instructions) {
      if (keyword === 'WORKDIR') {
        workdir = join(rootOf(stage.name), text);
        mkdirSync(workdir, { recursive: true });
      } else if (keyword === 'COPY') {
        copy(text, workdir);
      } else if (keyword === 'RUN' && text === 'npm install --loglevel=error') {
        // All that developers have, which is here already.
        symlinkSync(join(context, 'node_modules'), join(workdir, 'node_modules'));
      } else if (keyword === 'RUN' && text.startsWith('npm ')) {
        run(text, workdir);
      }
    }
  }
  return rootOf(stages.at(-1)?.name as string);

  function copy(text: string, workdir: string): void {
    const words = text.split(/\s+/);
    const from = words[0]?.startsWith('--from=') ? words.shift()?.slice(7) : undefined;
    const target = words.pop() as string;
    for (const word of words) {
      const source = from === undefined ? join(context, word) : join(rootOf(from), word);
      // A file lands in a folder; a folder's content does.
      const into = statSync(source).isFile() ? join(target, basename(source)) : target;
      const filter = (path: string) => from !== undefined || isIncluded(relative(context, path));
      if (!filter(source)) throw new Error(`COPY ${word}: .dockerignore leaves it out`);
      cpSync(source, resolve(workdir, into), { recursive: true, verbatimSymlinks: true, filter });
    }
  }
}

function run(command: string, cwd: string): void {
  const env = { ...process.env, npm_config_prefer_offline: 'true' };
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`RUN ${command}: exit ${status}: ${stderr}`);
}

/** Whether .dockerignore lets a path in: the last pattern decides that fits it or a folder above. */
function readDockerignore(context: string): (path: string) => boolean {
  const patterns = readFileSync(join(context, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return (path) => {
    const names = path.split('/');
    const paths = names.map((_, index) => names.slice(0, index + 1).join('/'));
    let included = true;
    for (const pattern of patterns) {
      const bare = pattern.replace(/^!/, '');
      if (paths.some((tried) => matchesGlob(tried, bare))) included = pattern.startsWith('!');
    }
    return included;
  };
}
