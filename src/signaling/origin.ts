/**
 * Which web pages may open a connection. Browsers let any page open a WebSocket to anywhere (RFC 6455 §10.2), so a page
 * is asked where it is from. Who sends no Origin is no browser; the token judges it like everybody.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  // The page that we serve ourselves, under whatever name it was asked for.
  return (protocol === 'https:' || protocol === 'http:') && originHost === host.toLowerCase();
}
