#!/bin/sh
# In Lambda the command is the handler's name, else a command to run. exec: signals reach node itself.
set -eu
if [ -n "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
  # Lambda leaves _HANDLER blank for images, and the runtime client reads nothing else.
  export _HANDLER="${1:?a handler such as usage.handler must be the command in Lambda}"
  cd "$LAMBDA_TASK_ROOT"
  exec node --disable-sigusr1 "$LAMBDA_RUNTIME_DIR/node_modules/aws-lambda-ric/index.mjs"
fi
exec "$@"
