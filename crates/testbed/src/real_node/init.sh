# The first process of the node's namespaces: makes the place look as the node's programs want it,
# says so, and becomes `pause`, which waits for whatever process is left to it.
# $1: the node's folder, $2: the program `pause`, $3: the cgroup's name.
set -e
folder=$1 pause=$2 cgroup=$3

# So that whoever clears up finds the namespaces by the cgroup. Version 1 has one tree a controller.
for group in "/sys/fs/cgroup/$cgroup/node" /sys/fs/cgroup/*/"$cgroup/node"; do
    # Refused by trees that first want processors named.
    if [ -d "$group" ]; then { echo 0 >"$group/cgroup.procs"; } 2>/dev/null || true; fi
done

# What the programs write to fixed places ends up in the folder.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
mount --bind "$folder/lib" /var/lib
mount --bind "$folder/log" /var/log

# The kubelet would set these for all of the machine. Here it finds them set.
set_for_kubelet() {
    echo "$2" >"$folder/$(basename "$1")"
    mount --bind "$folder/$(basename "$1")" "/proc/sys/$1"
}
set_for_kubelet vm/overcommit_memory 1
set_for_kubelet vm/panic_on_oom 0
set_for_kubelet kernel/panic 10
set_for_kubelet kernel/panic_on_oops 1
set_for_kubelet kernel/keys/root_maxkeys 1000000
set_for_kubelet kernel/keys/root_maxbytes 25000000

ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward

# Not every kernel can do by nftables what kube-proxy asks of iptables.
kind=nft
xtables-nft-multi iptables -t nat -A POSTROUTING -m comment --comment probe -m mark --mark 1 -j MASQUERADE || kind=legacy
if [ "$kind" = nft ]; then xtables-nft-multi iptables -t nat -F POSTROUTING; fi
for name in iptables ip6tables; do
    for program in "$name" "$name-save" "$name-restore"; do
        ln -s "$(command -v "xtables-$kind-multi")" "$folder/bin/$program"
    done
done

: >"$folder/ready"
exec "$pause"
