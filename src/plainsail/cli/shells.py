"""The frames of the completion scripts; `completion` puts the commands in. A `$$` is a `$` of the shell's."""

from __future__ import annotations

BASH = r"""# plainsail's commands, options and names, for bash. Made by: plainsail completion bash

_plainsail() {
  local cur=$${COMP_WORDS[COMP_CWORD]} command= first= options= values= kind= at= count=0 waits= i word
  COMPREPLY=()
  [[ $$cur == '=' ]] && cur=
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=$${COMP_WORDS[i]}
    [[ $$word == '=' ]] && continue
    if [[ -n $$waits ]]; then
      at=$$waits waits=
    elif [[ $$word == -* ]]; then
      at=option
      [[ $$i -lt $$COMP_CWORD && $$values == *" $$word "* ]] && waits=$$word
    elif [[ -z $$command ]]; then
      [[ $$i -eq $$COMP_CWORD ]] && break
      command=$$word
    else
      count=$$((count + 1)) at=$$count
      [[ -z $$first && $$i -lt $$COMP_CWORD ]] && first=$$word
    fi
    [[ -n $$command ]] && _plainsail_command
  done
  [[ $${COMP_WORDS[COMP_CWORD]} == '=' && -n $$waits ]] && at=$$waits && _plainsail_command
  if [[ -z $$command ]]; then
    kind='=$names --help --version'
  elif [[ $$at == option ]]; then
    kind="=$$options"
  fi
  case $$kind in
    '') ;;
    =*) COMPREPLY=($$(compgen -W "$${kind#=}" -- "$$cur")) ;;
    files) compopt -o filenames; local IFS=$$'\n'; COMPREPLY=($$(compgen -f -- "$$cur")) ;;
    directories) compopt -o filenames; local IFS=$$'\n'; COMPREPLY=($$(compgen -d -- "$$cur")) ;;
    artifact)
      compopt -o filenames
      local IFS=$$'\n'
      COMPREPLY=($$(compgen -d -- "$$cur") $$(_plainsail_names releases)) ;;
    *) local IFS=$$'\n'; COMPREPLY=($$(_plainsail_names "$$kind")) ;;
  esac
}

_plainsail_names() {
  "$${COMP_WORDS[0]/#\~/$$HOME}" __complete "$$1" "$$cur" "$$first" "$${COMP_WORDS[@]:1}" 2>/dev/null </dev/null
}

_plainsail_command() {
  kind=
  case $$command in
$commands
  esac
}

complete -F _plainsail plainsail
"""

ZSH = r"""#compdef plainsail
# plainsail's commands, options and names, for zsh. Made by: plainsail completion zsh

_plainsail_names() {
  local -a found before
  before=($${words[2,CURRENT-1]:#-*})
  found=($${(f)"$$($$_plainsail_program __complete $$1 "$$PREFIX" "$$before[1]" $$words 2>/dev/null </dev/null)"})
  compadd -a found
}

_plainsail_artifact() {
  _plainsail_names releases
  _files -/
}

_plainsail() {
  local context state line _plainsail_program=$$words[1]
  local -a commands given
  _arguments -C '(-)--help[The list of commands.]' '(-)--version[The version.]' '1:command:->command' '*::argument:->argument'
$commands
  case $$state in
    command) _describe -t commands command commands ;;
    argument) (( $$#given )) && _arguments -s $$given ;;
  esac
}

if [ "$$funcstack[1]" = _plainsail ]; then
  _plainsail "$$@"
else
  compdef _plainsail plainsail
fi
"""

FISH = r"""# plainsail's commands, options and names, for fish. Made by: plainsail completion fish

function __plainsail_words
    set -l words (commandline -opc)
    set -e words[1]
    string join \n -- $$words
end

function __plainsail_no_command
    for word in (__plainsail_words)
        string match -q -- '-*' $$word; or return 1
    end
    return 0
end

function __plainsail_command
    set -l words (__plainsail_words)
    test (count $$words) -gt 0; and test $$words[1] = $$argv[1]
end

# Is the argument to be completed the so manieth? The options that take a value follow.
function __plainsail_at
    set -l count 0
    set -l waits
    set -l words (__plainsail_words)
    set -e words[1]
    for word in $$words
        if set -q waits[1]
            set -e waits
        else if contains -- $$word $$argv[2..]
            set waits yes
        else if not string match -q -- '-*' $$word
            set count (math $$count + 1)
        end
    end
    test $$argv[1] = many; or test (math $$count + 1) = $$argv[1]
end

function __plainsail_names
    set -l words (commandline -opc)
    set -l program $$words[1]
    set -e words[1..2]
    set -l first (string match -v -- '-*' $$words)[1]
    $$program __complete $$argv[1] (commandline -ct) "$$first" $$words 2>/dev/null </dev/null
end

complete -c plainsail -f
complete -c plainsail -n __plainsail_no_command -l version -d 'The version.'
complete -c plainsail -l help -d 'All about this command.'
$commands
"""
