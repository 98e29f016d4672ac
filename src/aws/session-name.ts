/** The longest name that STS takes for a session and for a source identity. */
const maxLength = 64;

/**
 * A session name, which is also a valid source identity, from parts such as a request's id and its requester:
 * `[\w+=,.@-]{2,64}` (API reference of STS AssumeRole). CloudTrail shows it beside every call of the session, so the
 * most telling part goes first: what is too long is cut at the end.
 */
export function sessionNameOf(...parts: readonly string[]): string {
  const clean = parts.map(cleanPart).filter((part) => part !== "");
  return ["eks-access", ...clean].join("-").slice(0, maxLength);
}

function cleanPart(part: string): string {
  return part
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^A-Za-z0-9_+=,.@-]+/g, "-")
    .replace(/^-+|-+$/g, "");
}
