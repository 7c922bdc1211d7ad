# Runs inside systemd-machine.sh, as its root: does what an administrator does, and prints what came of it, NAME=VALUE.
say() { echo "$1=$2"; }
show() { systemctl show -P "$1" postern.service; }
trap 'systemctl exit 0 --force' EXIT
systemctl start postern.service; say start $?
say status "$(show StatusText)"
pid=$(show MainPID)
say user "$(stat -c %U /proc/$pid)"
for key in CapEff CapBnd NoNewPrivs Seccomp; do say $key "$(sed -n "s/^$key:\s*//p" /proc/$pid/status)"; done
/opt/postern/node_modules/.bin/node --input-type=module -e '
import { connect } from "node:net";
const say = ["EHLO c.test", "MAIL FROM:<a@sender.test>", "RCPT TO:<bob@mail.test>", "DATA", "From: a@sender.test\r\n\r\nhi\r\n.", "QUIT"];
const socket = connect(25, "127.0.0.1");
let text = "";
socket.on("data", (chunk) => {
  text += chunk;
  const lines = text.split("\r\n");
  text = lines.pop();
  for (const line of lines.filter((one) => one[3] === " ")) {
    if (say.length === 1) console.log(`mail=${line}`);
    const next = say.shift();
    if (next !== undefined) socket.write(`${next}\r\n`);
  }
});'
for _ in $(seq 100); do [ -n "$(find /var/lib/postern/mail -type f -path '*/new/*' 2>/dev/null)" ] && break; sleep 0.1; done
say delivered "$(find /var/lib/postern/mail -type f -path '*/new/*' | wc -l)"
writes=
for folder in / /tmp /etc/postern /usr /var /var/lib /opt/postern /home /root /dev/shm /run /var/lib/postern /var/log/postern; do
  nsenter -t "$pid" -m setpriv --reuid=postern --regid=postern --clear-groups touch "$folder/probe" 2>/dev/null && writes="$writes $folder"
done
say writes "$writes"
systemctl reload postern.service; say reload $?
echo 'policy: [' > /etc/postern/policies/broken.yaml; chgrp postern /etc/postern/policies/broken.yaml
systemctl kill --signal=HUP --kill-whom=main postern.service
for _ in $(seq 100); do case "$(show StatusText)" in *refused*) break ;; esac; sleep 0.1; done
say refused "$(show StatusText)"
say pid "$([ "$(show MainPID)" = "$pid" ] && echo same)"
systemctl stop postern.service; say stop "$(show Result) $(show ExecMainStatus)"
# Two sockets of one port, one a session thread.
systemctl start postern.socket; say sockets "$(grep -c ': 00000000:0019 .* 0A ' /proc/net/tcp)"
systemctl stop postern.socket
