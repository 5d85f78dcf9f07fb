import { asError, reasonOf } from '../../shared/errors.ts';
import { CliError } from './cli-error.ts';

const ANSWER_WITHIN_MS = 10_000;

/** Asks a service by HTTP. @throws CliError where it does not answer, or refuses */
export async function ask(url: string, bearer?: string, init: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const answer = await fetch(url, {
    ...init,
    redirect: 'error',
    headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    signal: init.signal ? AbortSignal.any([init.signal, limit]) : limit,
  }).catch((thrown: unknown) => {
    throw new CliError(`${new URL(url).origin} does not answer: ${whyNot(thrown)}`);
  });
  if (!answer.ok) throw new CliError(refusalOf(answer.status, await answer.text()));
  return answer;
}

/** The same for an answer in JSON. */
export async function askJson(url: string, bearer?: string, stop?: AbortSignal): Promise<unknown> {
  const answer = await ask(url, bearer, stop && { signal: stop });
  try {
    return await answer.json();
  } catch (thrown) {
    throw new CliError(`${url} is no part of this service: ${reasonOf(thrown)}`);
  }
}

/** An answer's status with the code and the text that the service gives, where it gives any. */
export function refusalOf(status: number, body: string): string {
  const { code, message } = parsed(body);
  const said = typeof code === 'string' && typeof message === 'string';
  return said ? `refused with ${status} ${code}: ${message}` : `refused with ${status}`;
}

function parsed(body: string): { readonly code?: unknown; readonly message?: unknown } {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** fetch hides the cause behind "fetch failed". */
export function whyNot(thrown: unknown): string {
  const error = asError(thrown);
  const { name, cause } = error.name === 'AbortError' ? asError(error.cause ?? error) : error;
  if (name === 'TimeoutError') return `nothing came within ${ANSWER_WITHIN_MS / 1000} s`;
  return reasonOf(cause === undefined ? error : cause);
}

/** What opens /register and /usage where API_KEYS are set; only from the environment, where no history keeps it. */
export function apiKey(): string | undefined {
  return process.env.API_KEY || undefined;
}
