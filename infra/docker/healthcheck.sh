#!/bin/bash
# healthcheck.sh PORT [HOST]: whether /readyz answers 200 there; all addresses are tried at 127.0.0.1. In the shell itself, for it runs every few seconds beside the
# service, and a Node started for each would cost more than the service does when idle. The images have no curl.
host=${2:-127.0.0.1}
case $host in 0.0.0.0 | ::) host=127.0.0.1 ;; esac
exec 3<>"/dev/tcp/$host/$1" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
