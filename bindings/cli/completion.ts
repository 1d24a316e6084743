/**
 * What completes the verbs in shells.
 *
 * Lives here: the scripts for bash, zsh and fish, made from the table of verbs. Does not live here:
 * that table (verbs.ts). Paths are asked of the running peer; where none runs there are none.
 */
import { shared_flags, flags, verbs, type Flag, type FlagName } from './verbs.ts'

export const shells: { readonly [shell: string]: () => string } = { bash, zsh, fish }

const names = Object.keys(verbs)

function flagsOf(verb: string): string[] {
  return [...verbs[verb]!.flags, ...shared_flags].map((flag) => `--${flag}`)
}

function bash(): string {
  const cases = names.map((verb) => `    ${verb}) flags="${flagsOf(verb).join(' ')}" ;;`)
  return `_circuit() {
  local word="\${COMP_WORDS[COMP_CWORD]}" verb="\${COMP_WORDS[1]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names.join(' ')}" -- "$word"))
    return
  fi
  case "$verb" in
${cases.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) case "$verb" in
      help) COMPREPLY=($(compgen -W "${names.join(' ')}" -- "$word")) ;;
      completion) COMPREPLY=($(compgen -W "${Object.keys(shells).join(' ')}" -- "$word")) ;;
      *) COMPREPLY=($(compgen -W "$(circuit ls /... 2>/dev/null)" -- "$word")) ;;
    esac ;;
  esac
}
complete -F _circuit circuit
`
}

function zsh(): string {
  const quoted = (text: string) => text.replaceAll('\'', '\'\\\'\'').replaceAll(':', '\\:')
  const rows = names.map((verb) => `    '${verb}:${quoted(verbs[verb]!.about)}'`)
  const cases = names.map((verb) => `    ${verb}) given=(${flagsOf(verb).join(' ')}) ;;`)
  return `_circuit() {
  local -a verbs given paths
  verbs=(
${rows.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  case "\${words[2]}" in
${cases.join('\n')}
  esac
  case "\${words[CURRENT]}" in
    -*) compadd -- $given ;;
    *) case "\${words[2]}" in
      help) _describe verb verbs ;;
      completion) compadd -- ${Object.keys(shells).join(' ')} ;;
      *) paths=(\${(f)"$(circuit ls /... 2>/dev/null)"}); compadd -- $paths ;;
    esac ;;
  esac
}
compdef _circuit circuit
`
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'')}'`
  const first = `-n __fish_use_subcommand`
  const lines = names.map((verb) => `complete -c circuit ${first} -a ${verb} -d ${
    quoted(verbs[verb]!.about)}`)
  const flagLine = (verb: string, name: FlagName) => {
    const { value, short, about }: Flag = flags[name]
    const more = `${short === undefined ? '' : ` -s ${short}`}${value === undefined ? '' : ' -r'}`
    const seen = `'__fish_seen_subcommand_from ${verb}'`
    return `complete -c circuit -n ${seen} -l ${name}${more} -d ${quoted(about)}`
  }
  const more = names.flatMap((verb) => verbs[verb]!.flags.map((flag) => flagLine(verb, flag)))
  const later = `-n 'not __fish_use_subcommand'`
  const paths = `complete -c circuit ${later} -a '(circuit ls /... 2>/dev/null)'`
  return ['complete -c circuit -f', ...lines, ...more, paths, ''].join('\n')
}
