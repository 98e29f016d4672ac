import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";

/** Sent with every answer. The page loads nothing from elsewhere, is in no frame, and runs no script that stands in it. */
export const safeHeaders: OutgoingHttpHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Not no-referrer, with which a browser sends no Origin.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
};

/**
 * Why a request is refused, if it is. A page of another site can make a browser send requests here: by a name of its own
 * that leads to this machine (DNS rebinding), which the Host header shows, or by a form, which the Origin shows.
 */
export function refusalOf(
  { headers, method }: Pick<IncomingMessage, "headers" | "method">,
  port: number,
): string | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? "")) return `This page is at http://127.0.0.1:${port} and under no other name.`;
  const { host, origin, "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
  if (method === "GET") {
    // Somebody's link to the page shows nothing to the site that has it.
    const foreign = site === "cross-site" || site === "same-site";
    return foreign && mode !== "navigate" ? "Another site may not ask this page." : undefined;
  }
  return origin === `http://${host}` ? undefined : "Only the page itself may act.";
}
