#!/bin/sh
# In Lambda the command is the handler's name, else a command to run. exec: signals reach node itself.
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  cd "$LAMBDA_TASK_ROOT"
  exec node /var/runtime/node_modules/aws-lambda-ric/index.mjs "$@"
fi
exec "$@"
