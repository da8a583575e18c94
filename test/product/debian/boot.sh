#!/bin/sh
# boot.sh ROOT: starts systemd as the first process of ROOT, in namespaces of its own (the network is the machine's). Its
# control group is a new one below ours; /proc/sys and /sys are for reading only, so that nothing in there can change
# the machine. Ends when systemd does.
set -e
groups=/sys/fs/cgroup
[ ! -d $groups/unified ] || groups=$groups/unified
group=$groups/ringpost-test-$$
mkdir "$group"
echo $$ >"$group/cgroup.procs"
inside='
cd "$0"
mount --rbind "$0" "$0"
cd "$0"
mount -t proc proc proc -o nosuid,nodev,noexec
for kernel in proc/sys proc/sysrq-trigger; do
    [ -e "$kernel" ] || continue
    mount --bind "$kernel" "$kernel"
    mount -o remount,bind,ro "$kernel"
done
mount -t sysfs sysfs sys -o ro,nosuid,nodev,noexec
mount -t cgroup2 cgroup2 sys/fs/cgroup -o nosuid,nodev,noexec
mount -t tmpfs tmpfs dev -o mode=755,nosuid
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=620
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run -o mode=755
pivot_root . mnt
umount -l mnt
exec env -i container=ringpost PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . \
    setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog /lib/systemd/systemd --log-target=console
'
exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child --propagation private sh -ec "$inside" "$1"
