# Outlives its parent by a few seconds and clears up behind it.
# $1: template of the folder to make. Standard input: "add GROUP" and "del GROUP", a process group
# a line, and "cgroup NAME" for cgroups, in all trees, that are to be removed at the end. End of input means that the parent has gone, whatever the way.
trap '' HUP INT PIPE TERM
directory=$(mktemp -d "$1") || exit 1
printf '%s\n' "$directory"
exec >/dev/null 2>&1

groups=' '
cgroups=
while read -r verb group; do
    case $verb in
    add) groups="$groups$group " ;;
    cgroup) cgroups="$cgroups $group" ;;
    del)
        case $groups in
        *" $group "*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
        esac
        ;;
    esac
done

send() {
    for group in $groups; do kill -s "$1" -- "-$group"; done
}
any_left() {
    for group in $groups; do kill -s 0 -- "-$group" && return 0; done
    return 1
}

send TERM
# A stopped process takes a TERM only once it goes on.
send CONT
tries=0
while any_left && [ "$tries" -lt 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
send KILL

# A cgroup can be removed once the last of its processes has gone.
for name in $cgroups; do
    for tree in "/sys/fs/cgroup/$name" /sys/fs/cgroup/*/"$name"; do
        tries=0
        while [ -d "$tree" ] && [ "$tries" -lt 100 ]; do
            [ "$tries" -gt 0 ] && sleep 0.1
            find "$tree" -depth -type d -exec rmdir {} \;
            tries=$((tries + 1))
        done
    done
done

# A dying process may still add a file behind rm's back.
tries=0
while [ -e "$directory" ] && [ "$tries" -lt 50 ]; do
    rm -rf -- "$directory"
    [ -e "$directory" ] && sleep 0.1
    tries=$((tries + 1))
done
