import { Command, type Option } from 'commander';
import { StartError } from '../errors.ts';
import { fail } from './command.ts';
import { print } from './report.ts';

const name = 'gravitas-telemetry';
const bashFunction = `_${name.replace('-', '_')}`;

/** What is meant where no command is named. */
const defaults: Readonly<Record<string, string>> = { [name]: 'serve', usage: 'summary' };

/** A place in the commands, with what may follow there. */
interface Way {
  readonly path: readonly string[];
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** What its argument may be, where that is known. */
  readonly choices: readonly string[];
}

function waysOf(command: Command, path: readonly string[] = []): Way[] {
  const meant = command.commands.find((each) => each.name() === defaults[command.name()]);
  const options = [...command.options, ...(meant?.options ?? [])];
  const choices = command.registeredArguments
    .map((argument) => argument.name())
    .filter((argument) => argument.includes('|'))
    .flatMap((argument) => argument.split('|'));
  const { commands } = command;
  const below = commands.flatMap((each) => waysOf(each, [...path, each.name()]));
  return [{ path, commands, options, choices }, ...below];
}

const flagsOf = ({ options }: Way): string[] => [
  ...new Set([...options.flatMap(({ long }) => long ?? []), '--help']),
];
const namesOf = ({ commands }: Way): string[] => commands.map((each) => each.name());
const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** In Bash; what is known of zsh goes the same way. */
function bash(ways: readonly Way[]): string {
  const valued = ways.flatMap(({ options }) => options.filter(takesValue));
  const flags = [...new Set(valued.flatMap(({ long }) => long ?? []))];
  const cases = ways.map((way) => {
    const words = [...namesOf(way), ...way.choices, ...flagsOf(way)].join(' ');
    return `    "${pathText(way)}") words="${words}" ;;`;
  });
  return `${bashFunction}() {
  local path="" word words="" value=""
  local valued=" ${flags.join(' ')} " paths="|${ways.map(pathText).join('|')}|"
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD-1))}"; do
    if [ "$word" = "=" ]; then value=1; continue; fi
    if [ -n "$value" ]; then value=""; continue; fi
    case "$valued" in *" $word "*) value=1; continue ;; esac
    case "$paths" in *"|$path $word|"*) path="$path $word" ;; esac
  done
  COMPREPLY=()
  # The value of a flag: a file, if anything.
  if [ -n "$value" ]; then return; fi
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${bashFunction} ${name}
`;
}

const pathText = ({ path }: Way): string => path.map((each) => ` ${each}`).join('');

const zsh = (
  ways: readonly Way[],
): string => `(( $+functions[compdef] )) || { autoload -U compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
${bash(ways)}`;

/** Each line for one place: behind the words that lead there, and none of those that lead further. */
function fish(ways: readonly Way[]): string {
  const lines = ways.flatMap((way) => {
    const conditions = [
      ...way.path.map((each) => `__fish_seen_subcommand_from ${each}`),
      ...(way.commands.length > 0
        ? [`not __fish_seen_subcommand_from ${namesOf(way).join(' ')}`]
        : []),
    ];
    const at = `complete -c ${name} -n ${quoted(conditions.join('; and '))}`;
    return [
      ...way.commands.map((each) => `${at} -f -a ${each.name()} -d ${quoted(each.description())}`),
      ...way.choices.map((choice) => `${at} -f -a ${choice}`),
      ...way.options.map(
        (option) =>
          `${at}${takesValue(option) ? ' -r' : ''} -l ${option.long?.slice(2)} -d ${quoted(option.description)}`,
      ),
    ];
  });
  return [...lines, `complete -c ${name} -l help -d 'display help'`, ''].join('\n');
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;

const shells: Readonly<Record<string, (ways: readonly Way[]) => string>> = { bash, zsh, fish };

/** `completion <shell>`: prints what a shell reads to complete the commands of `program`. */
export const completionCommand = (program: Command): Command =>
  new Command('completion')
    .description('print what completes these commands: for bash, zsh or fish')
    .argument(`<${Object.keys(shells).join('|')}>`)
    .option('--json', 'print it as JSON')
    .action((shell: string, { json }: { json?: true }) => {
      const scriptOf = shells[shell];
      if (!scriptOf) {
        fail(new StartError(`there is no completion for ${shell}: name bash, zsh or fish`));
      }
      const script = scriptOf(waysOf(program));
      print({ json: { shell, script }, shown: [script.trimEnd()] }, json === true);
    });
