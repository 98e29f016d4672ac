# What both scripts of this folder share: steps that count, and what a bare Debian machine lacks. Sourced, not run.
export CI=true
passed=0
failed=0
rows=()
failures=()

# Runs a step. A failed one stops nothing, so that one run tells everything.
step() {
  echo "== $*"
  local begun=$SECONDS status=failed
  if "$@"; then
    passed=$((passed + 1)) status=passed
  else
    failed=$((failed + 1))
    echo "== failed: $*" >&2
  fi
  rows+=("$(printf '%-7s %5d s  %s' "$status" $((SECONDS - begun)) "$*")")
}

# Runs tests and counts each of them. What failed is listed at the end too, where nobody has to search for it.
tests() {
  echo "== $*"
  local begun=$SECONDS report status results counts each
  report="$(mktemp)"
  "$@" --reporter=default --reporter=json --outputFile.json="$report"
  status=$?
  mapfile -t results < <(node .ci/counts.mjs "$report" "$status")
  counts="${results[0]}"
  for each in "${results[@]:1}"; do failures+=("$*: $each"); done
  rm -f "$report"
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
  rows+=("$(printf '%-7s %5d s  %s: %d passed, %d failed' \
    "$([ "${counts#* }" = 0 ] && echo passed || echo failed)" $((SECONDS - begun)) "$*" "${counts% *}" "${counts#* }")")
}

# Installs Debian's packages where a program is missing: debian PROGRAM PACKAGE...
debian() {
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "There is no $program on this machine. Install it." >&2
    return 1
  fi
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The sandbox fetches a Redis by itself where none is installed, and Debian's packages take the package lists.
package_lists() {
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
    apt-get update -qq || echo "The package lists could not be updated; going on without." >&2
  fi
}

# Prints what failed, the table of all steps and the closing line, and ends with the status of the whole.
finish() {
  echo
  [ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[@]}"
  printf '%s\n' "${rows[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

# A run that is stopped tells what it has done.
trap 'failed=$((failed + 1)) && rows+=("stopped by a signal") && finish; exit 1' INT TERM
