#!/bin/bash
# dovecot-lmtp.sh: Dovecot's LMTP, on a loopback port and on $dir/lmtp, with maildirs at $dir/mail/USER/Maildir.
#   alice, bob and carol exist at store.test; full@ has a quota of 100 bytes and is refused after the dot.
. "$(dirname "$0")/lib.sh"
begin dovecot
port=$(free_port)
mkdir -p "$dir/run" "$dir/state" "$dir/mail"
chown nobody:nogroup "$dir/mail"
uid=$(id -u nobody)
gid=$(id -g nobody)
for user in alice bob carol; do echo "$user@store.test:{PLAIN}x:$uid:$gid::$dir/mail/$user::"; done >"$dir/users"
echo "full@store.test:{PLAIN}x:$uid:$gid::$dir/mail/full::userdb_quota_rule=*:bytes=100" >>"$dir/users"

cat >"$dir/dovecot.conf" <<C
protocols = lmtp
listen = 127.0.0.1
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot-mail.log
ssl = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_plugins = quota
plugin {
  quota = maildir:user
  quota_full_tempfail = no
}
passdb {
  driver = passwd-file
  args = $dir/users
}
userdb {
  driver = passwd-file
  args = $dir/users
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $port
  }
  unix_listener $dir/lmtp {
    mode = 0666
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
protocol lmtp {
  mail_plugins = quota
}
C
run dovecot -F -c "$dir/dovecot.conf"
until_ready listens "$port"
ready port="$port" socket="$dir/lmtp"
