import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { HTTP_ERRORS, type HttpErrorCode } from '../errors.ts';
import { STATUS_CODES } from './node-http.ts';

/** Errors leave as JSON `{"code","message"}` out of the catalogue, the framework's and the parser's own too. */
export const ERROR_BODIES = Object.fromEntries(
  Object.entries(HTTP_ERRORS).map(([code, { message }]) => [
    code,
    JSON.stringify({ code, message }),
  ]),
) as Record<HttpErrorCode, string>;

function headersOf(code: HttpErrorCode) {
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(ERROR_BODIES[code]),
    connection: 'close',
  };
}

/** Refuses a request before any route sees it, and lets go of its connection. */
export function refuse(response: ServerResponse, code: HttpErrorCode): void {
  response.writeHead(HTTP_ERRORS[code].status, headersOf(code)).end(ERROR_BODIES[code]);
}

/** The same to whoever has sent no request, or bytes that are none: the whole answer, as it goes out on the connection. */
export function rawRefusal(code: HttpErrorCode, more: OutgoingHttpHeaders = {}): string {
  const { status } = HTTP_ERRORS[code];
  const headers = Object.entries({ ...headersOf(code), ...more }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join('')}\r\n${ERROR_BODIES[code]}`;
}
