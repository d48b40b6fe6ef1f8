import { Command } from 'commander';
import { StartError } from '../errors.ts';
import { fail } from './command.ts';

const name = 'gravitas-telemetry';

/** Every way through the commands, with the words that may follow. */
interface Way {
  readonly path: readonly string[];
  readonly words: readonly string[];
}

function waysOf(command: Command, path: readonly string[] = []): Way[] {
  const { commands, options } = command;
  const words = [
    ...commands.map((each) => each.name()),
    ...options.flatMap(({ long }) => long ?? []),
    '--help',
  ];
  return [{ path, words }, ...commands.flatMap((each) => waysOf(each, [...path, each.name()]))];
}

/** In Bash; what is known of zsh goes the same way. */
const bash = (ways: readonly Way[]): string => `_${name.replace('-', '_')}() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
${ways.map(({ path, words }) => `    "${path.map((each) => ` ${each}`).join('')}") COMPREPLY=($(compgen -W "${words.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;`).join('\n')}
  esac
}
complete -o default -F _${name.replace('-', '_')} ${name}
`;

const shells: Readonly<Record<string, (ways: readonly Way[]) => string>> = {
  bash,
  zsh: (ways) => `autoload -U +X bashcompinit && bashcompinit\n${bash(ways)}`,
  fish: (ways) =>
    ways
      .map(({ path, words }) => {
        const seen = path.map((each) => `; and __fish_seen_subcommand_from ${each}`).join('');
        return `complete -c ${name} -f -n 'true${seen}' -a '${words.join(' ')}'\n`;
      })
      .join(''),
};

/** `completion <shell>`: prints what a shell reads to complete the commands of `program`. */
export const completionCommand = (program: Command): Command =>
  new Command('completion')
    .description('print what completes these commands: for bash, zsh or fish')
    .argument('<shell>')
    .action((shell: string) => {
      const print = shells[shell];
      if (print) process.stdout.write(print(waysOf(program)));
      else fail(new StartError(`there is no completion for ${shell}: name bash, zsh or fish`));
    });
