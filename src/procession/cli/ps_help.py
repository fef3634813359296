"""What ``pn ps --help`` prints."""

from __future__ import annotations

TEXT = """\
usage: pn ps [OPTIONS] [WORD...]

The processes of this machine.  Options, columns and output are those of ps; what is ours stands last.

select:
  -e, -A              all              a, x, ax     with a terminal, mine, all
  -a, -d              with a terminal and no session leaders; no session leaders
  -p, p, --pid LIST   by pid           -q, q        only these, read nothing else
  -u, U, --user LIST  by user          -U, --User   by real user
  -g, -s LIST         by session       --ppid LIST  by parent
  -G, --group LIST    by group         -C LIST      by short name
  -t, t, --tty LIST   by terminal      T, r         on this terminal; only running ones
  -N, --deselect      all others       1 2 -3 +4    pids, process groups, sessions

columns:
  -f -F -l -j -y -c -P -M     the formats of Unix, alone or together
  u l j s v X Z               the formats of BSD
  -o, o LIST                  your own: pid,user:20,comm=NAME or '%p %c'; several add up
  -O, O LIST                  yours among the usual ones
  pn ps L                     what columns there are

rows:
  --sort, k KEYS              -rss,+pid: by columns, "-" downwards
  -H, f, --forest             children below their parents
  -L -T H, m -m               threads, instead of processes or below them

output:
  -w, w                       132 cells wide; twice: never cut
  --cols, --rows N            instead of the terminal's size
  --no-headers, h; --headers  no headings; headings on each screen
  c, e, n, S                  no arguments; environment; numbers; with children that have ended

ours:
  WORD...                     those that fit all words: a user, a part of the command, a pid, a port or :PORT
  -o role                     what a process is to us: a worker of a pool and its task, a pn
  -h, --human                 sizes in short
  --json                      one object a line, exact: bytes, seconds, ISO 8601, and the process's identity
  --watch[=SECONDS]           again and again (2 s), until Ctrl-C

Words: what ps would accept means what it means there.  Else words without a dash are searched for, but for
a first one, or one of a single letter, that could be options of BSD, such as aux.  After "--" all are.

exit codes:
  0    something was listed        130  --watch ended by Ctrl-C
  1    nothing was, or the command line makes no sense

environment: COLUMNS, LINES, PS_FORMAT, NO_COLOR

examples:
  pn ps aux                   everything, as BSD shows it
  pn ps -eo pid,user:20,args --sort=-%cpu
  pn ps python worker         of all processes those with both words
  pn ps -ef nginx             the same with the columns of -f
  pn ps :8080                 who listens there
  pn ps --json -u www-data | jq .rss
"""
