#!/bin/bash
# Boots a systemd of its own with the units of docs/systemd, in namespaces (mounts, processes, network, cgroups) and on a throw-away
# layer over this machine's files: nothing outside is changed but $out. Needs root. Says 77 when such namespaces cannot be had.
#   app=FOLDER (becomes /opt/postern)  etc=FOLDER (becomes /etc/postern)  units=docs/systemd  probe=SCRIPT  out=FOLDER (is /opt/out)
set -eu
if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] && [ -x /lib/systemd/systemd ] || exit 77
  if [ "${1:-}" != mounted ]; then exec unshare --mount bash "$0" mounted; fi
  hierarchy=$(mktemp -d); mount -t cgroup2 cgroup2 "$hierarchy" || exit 77
  group=$hierarchy/postern-test-$$; mkdir "$group" || exit 77
  code=0
  (echo $BASHPID > "$group/cgroup.procs"; exec timeout -s KILL 60 unshare -m -p -i -u -n -C --fork bash "$0" inside) || code=$?
  for _ in $(seq 50); do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break; sleep 0.1; done
  umount -l "$hierarchy"; rmdir "$hierarchy"
  exit $code
fi

mount --make-rprivate /
layer=$(mktemp -d); mount -t tmpfs tmpfs "$layer"; mkdir "$layer/up" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/up,workdir=$layer/work" "$root" || exit 77

mkdir -p "$root/opt/postern" "$root/opt/out" "$root/opt/old"
cp -R "$app/." "$root/opt/postern/"; rm -rf "$root/etc/postern"; cp -R "$etc" "$root/etc/postern"; cp "$probe" "$root/opt/probe.sh"
mount --bind "$out" "$root/opt/out"
mount -t proc proc "$root/proc"; mount --bind "$root/proc/sys" "$root/proc/sys"; mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"; mount -t tmpfs tmpfs "$root/sys/fs/cgroup"; mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/tmp"; mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue"; ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"; mount -t devpts devpts "$root/dev/pts"; mount -t mqueue mqueue "$root/dev/mqueue"

# Nothing of this machine is started: only our units, and targets without what usually hangs on them.
system=$root/etc/systemd/system; rm -rf "$system"; mkdir -p "$system/postern.service.d"
for target in sysinit basic sockets network-online nss-lookup; do
  printf '[Unit]\nDefaultDependencies=no\n' > "$system/$target.target"
done
cp "$units"/postern.service "$units"/postern.socket "$system/"
version=$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')
if [ "$version" -lt 253 ]; then cp "$units/postern.service.d/old-systemd.conf" "$system/postern.service.d/"; fi
printf '[Service]\nStandardError=append:/opt/out/log\n' > "$system/postern.service.d/log.conf"
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/bash /opt/probe.sh\nStandardOutput=file:/opt/out/probe\n' \
  > "$system/probe.service"
mkdir -p "$root/etc/sysusers.d" "$root/etc/tmpfiles.d"
cp "$units/sysusers.conf" "$root/etc/sysusers.d/postern.conf"; cp "$units/tmpfiles.conf" "$root/etc/tmpfiles.d/postern.conf"
chroot "$root" systemd-sysusers postern.conf; chroot "$root" systemd-tmpfiles --create postern.conf
chroot "$root" chgrp -R postern /etc/postern; chmod -R g+rX,o-rwx "$root/etc/postern"

cd "$root"; pivot_root . opt/old; cd /; umount -l /opt/old
exec env -i container=postern-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_module,-sys_time,-sys_boot,-syslog,-mac_admin,-mac_override,-sys_rawio \
  /lib/systemd/systemd --system --unit=probe.service --show-status=no
