/** Who watches: a registered id, and the token that speaks for it where the edge node asks for one. */
export interface Viewer {
  readonly user: string;
  readonly token: string | undefined;
}

/** A JWT as it is written: three parts of base64url, the first of which begins as every JSON object does. */
const TOKEN = /^eyJ[\w-]*\.([\w-]+)\.[\w-]+$/;

/** Reads what was entered: a token names its user itself (`sub`), anything else is a user's id. */
export function parseViewer(text: string): Viewer | undefined {
  const entered = text.trim();
  if (entered === '') return undefined;
  const claims = TOKEN.exec(entered)?.[1];
  if (claims === undefined) return { user: entered, token: undefined };
  const user = subjectOf(claims);
  return user === undefined ? undefined : { user, token: entered };
}

function subjectOf(claims: string): string | undefined {
  try {
    const binary = atob(claims.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const { sub }: { sub?: unknown } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === 'string' && sub !== '' ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** A token goes in a header, where no log of URLs holds it. */
export function headersOf({ token }: Viewer): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
