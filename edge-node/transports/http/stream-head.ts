/**
 * The answer's head. The end of the connection is the end of the stream: no length and no chunks, so that each byte
 * after the head is a channel's, boxes that speak HTTP/1.0 can play it, and a session writes to the socket as it does
 * on 9111. `Accept-Ranges: none` answers players that ask for `bytes=0-`.
 */
export function streamHead(corsOrigin: string): string {
  const lines = [
    'HTTP/1.1 200 OK',
    'Content-Type: video/mp2t',
    'Cache-Control: no-store',
    'Accept-Ranges: none',
    'Connection: close',
    'X-Accel-Buffering: no',
    'X-Content-Type-Options: nosniff',
    'Referrer-Policy: no-referrer',
    ...(corsOrigin === '' ? [] : [`Access-Control-Allow-Origin: ${corsOrigin}`, 'Vary: Origin']),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
