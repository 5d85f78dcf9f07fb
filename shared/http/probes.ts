/** They tell nothing about users, and orchestrators, balancers and scrapers ask for them on all ports that have them. */
export const PROBES: readonly string[] = ['/healthz', '/readyz', '/metrics'];

export function isProbe(url = ''): boolean {
  const [path = ''] = url.split('?', 1);
  return PROBES.includes(path);
}
