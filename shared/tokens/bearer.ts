/** The credentials of an `Authorization: Bearer …` header (RFC 6750); undefined where there are none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(header ?? '')?.[1];
}
