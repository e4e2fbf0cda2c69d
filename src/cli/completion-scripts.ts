/** The shells with completion. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Printed in place of words: the shell completes files. */
export const FILES = ':files'

/**
 * What a shell runs once, so that TAB asks `rolecast completion SHELL --complete -- WORDS`, which prints a word a line,
 * with its description after a tab. What was typed is passed on as words and never evaluated.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of rolecast for bash. In ~/.bashrc: source <(rolecast completion bash)
_rolecast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line quote=''
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ "$line" == '${FILES}' ]]; then
      # Bash 3.2, which macOS has, cannot quote the names itself, and would put them on the line as they are.
      if ! compopt -o filenames 2>/dev/null; then
        [[ "$current" == [\\'\\"]* ]] && return
        quote=1
      fi
      # After --option= the word is the equals sign.
      [[ "$current" == '=' ]] && current=''
      while IFS= read -r line; do
        [[ -n "$quote" ]] && printf -v line %q "$line"
        COMPREPLY+=("$line")
      done < <(compgen -f -- "$current")
    else
      line=\${line%%$'\\t'*}
      # The file of a report follows.
      [[ "$line" == *= ]] && compopt -o nospace 2>/dev/null
      COMPREPLY+=("$line")
    fi
  done < <(rolecast completion bash --complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _rolecast rolecast
`,
  zsh: `#compdef rolecast
# Completion of rolecast for zsh. In ~/.zshrc, below compinit: source <(rolecast completion zsh)
_rolecast() {
  local line
  local -a lines described
  lines=("\${(@f)$(rolecast completion zsh --complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${lines[1]}" == '${FILES}' ]]; then
    # Behind the equals sign of an option, or of the format of a report.
    if [[ "\${words[CURRENT]}" == --* || "\${words[CURRENT-1]}" == --report ]]; then
      compset -P '*='
    fi
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] && described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if [[ "\${described[1]}" == *=:* ]]; then
    _describe -V rolecast described -S ''
  else
    _describe -V rolecast described
  fi
}
if [[ "\${funcstack[1]}" == _rolecast ]]; then
  _rolecast "$@"
else
  compdef _rolecast rolecast
fi
`,
  fish: `# Completion of rolecast for fish: rolecast completion fish > ~/.config/fish/completions/rolecast.fish
function __rolecast_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (rolecast completion fish --complete -- $before[2..-1] "$current" 2>/dev/null)
        if test "$line" = '${FILES}'
            set -l option (string match -r -- '^--[^=]*=' "$current")
            for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
                echo "$option$path"
            end
        else
            echo $line
        end
    end
end
complete -c rolecast -f -a '(__rolecast_complete)'
`,
}
