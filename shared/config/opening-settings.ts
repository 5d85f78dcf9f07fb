import { networks, setting, text } from './setting.ts';

/** What stands before the first byte of a user, on 9111 and 9113 alike. */
export const OPENING_SETTINGS = {
  'TLS and balancers, 9111 and 9113': {
    STREAM_TLS_CERT: setting(
      text,
      '',
      'Certificate chain, a PEM file. With `STREAM_TLS_KEY` it makes 9111 and 9113 speak TLS (1.2 and up) and nothing else. Read anew within seconds of a change; files that cannot serve change nothing. Empty: no TLS.',
    ),
    STREAM_TLS_KEY: setting(text, '', 'Its private key, a PEM file.'),
    PROXY_PROTOCOL_FROM: setting(
      networks,
      '',
      'Networks of balancers, such as `10.0.0.0/16, 2001:db8::/32`, that begin each connection with a PROXY header of version 2. It is demanded of them, and tells limits and log lines the address of the user; from elsewhere it is taken for what the user says. Empty: none.',
    ),
  },
} as const;
