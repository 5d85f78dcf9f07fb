import { createSigner } from 'fast-jwt';
import { CHANNEL_BYTES } from '../../../edge-node/source/packet.ts';
import { wallClockMs } from '../../../shared/clock.ts';
import { loadConfig } from '../../../shared/config.ts';
import type { ChannelId, UserId } from '../../../shared/ids.ts';
import { HANDSHAKE_TOKEN_MAX_BYTES } from '../../../shared/limits.ts';
import { CliError } from '../cli-error.ts';
import { say, sayJson } from '../terminal/print.ts';

interface TokenOptions {
  /** Milliseconds. */
  readonly ttl: number;
  readonly channels?: readonly ChannelId[];
  readonly json?: boolean;
}

/** `token USER`: a stream token by the first of STREAM_TOKEN_SECRETS, which is the one that signs. */
export function token(userId: UserId, { ttl, channels, json }: TokenOptions): void {
  const [secret] = loadConfig(process.env).STREAM_TOKEN_SECRETS;
  if (secret === undefined) {
    throw new CliError('STREAM_TOKEN_SECRETS is not set: there is nothing to sign a token with');
  }
  const expires = Math.floor((wallClockMs() + ttl) / 1000);
  const claims = { sub: userId, exp: expires, ...(channels && { channels }) };
  const signed = createSigner({ algorithm: 'HS256', key: secret, noTimestamp: true })(claims);
  const longestChannel = Math.max(CHANNEL_BYTES, ...(channels ?? []).map((id) => id.length));
  const lineBytes = Buffer.byteLength(`${userId} ${signed}\r\n`) + longestChannel + 1;
  if (lineBytes > HANDSHAKE_TOKEN_MAX_BYTES) {
    throw new CliError(
      `a token for so many channels does not fit the ${HANDSHAKE_TOKEN_MAX_BYTES} bytes of a line on 9111: name fewer`,
    );
  }
  if (json)
    sayJson({ user: userId, expires: new Date(expires * 1000).toISOString(), token: signed });
  else say(signed);
}
