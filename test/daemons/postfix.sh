#!/bin/bash
# postfix.sh: Postfix as the mail server behind the gateway: takes mail for store.test into maildirs under $dir/mail.
#   alice, bob, carol and postmaster exist; full@ is 452, later@ 451, moved@ 550 at RCPT; anybody else is 550 5.1.1.
# MAIN: more lines for main.cf. MASTER: more lines for master.cf, in which PORT stands for the port.
. "$(dirname "$0")/lib.sh"
begin postfix
port=$(free_port)
etc=$dir/etc
master=${MASTER:-}
mkdir -p "$etc" "$dir/spool" "$dir/data" "$dir/mail"
chown postfix "$dir/data"
chown nobody:nogroup "$dir/mail"

cat >"$etc/main.cf" <<C
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $dir/postfix-mail.log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = store.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
disable_dns_lookups = yes
smtpd_peername_lookup = no
local_transport = error:no local delivery
default_transport = error:5.7.1 nothing leaves this server
relay_transport = error:5.7.1 nothing leaves this server
virtual_mailbox_domains = store.test
virtual_mailbox_maps = texthash:$etc/mailboxes
virtual_mailbox_base = $dir/mail
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:$etc/recipients, reject_unlisted_recipient
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
${MAIN:-}
C
# What MAIN says stands alone: each process would warn of what it overrides, all at once, and master waits for ever for room in the
# log's socket when that is full before it has started whoever reads it.
awk '{ line[NR] = $0; name[NR] = $1; last[$1] = NR } END { for (n = 1; n <= NR; n++) if (last[name[n]] == n) print line[n] }' \
  "$etc/main.cf" >"$etc/once.cf" && mv "$etc/once.cf" "$etc/main.cf"
for user in alice bob carol postmaster; do echo "$user@store.test $user/"; done >"$etc/mailboxes"
cat >"$etc/recipients" <<C
full@store.test 452 4.2.2 mailbox full
later@store.test 451 4.3.0 try again later
moved@store.test 550 5.1.6 mailbox has moved
C

# service NAME TYPE PRIVATE WAKEUP PROCESSES COMMAND
service() { printf '%s %s %s - n %s %s %s\n' "$@"; }
{
  service "127.0.0.1:$port" inet n - 50 smtpd
  service cleanup unix n - 0 cleanup
  service qmgr unix n 300 1 qmgr
  service tlsmgr unix - - 1 tlsmgr
  service pickup unix n 60 1 pickup
  service showq unix n - - showq
  service flush unix n - 0 flush
  service postlog unix-dgram n - 1 postlogd
  service rewrite unix - - - trivial-rewrite
  service retry unix - - - error
  for name in bounce defer trace; do service $name unix - - 0 bounce; done
  for name in smtp error discard anvil proxymap verify; do service $name unix - - - $name; done
  echo 'virtual unix - n n - - virtual' # writes as the mailboxes' owner
  echo "${master//PORT/$port}"
} >"$etc/master.cf"

postfix -c "$etc" set-permissions >/dev/null 2>&1
postfix -c "$etc" check >"$dir/check.log" 2>&1 || { cat "$dir/check.log" >&2; exit 1; }
# Not "postfix start-fg", whose wrapper would leave master behind.
run /usr/lib/postfix/sbin/master -c "$etc" -d
until_ready listens "$port"
ready port="$port"
