/** Matches in linear time whatever the text, or a hostile answer would keep the process busy with its own failure. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/k8s-aws-v1\.[\w-]+/g, "k8s-aws-v1.[redacted]"],
  [/\b(Bearer|Basic) [\w.~+/=-]{16,}/gi, "$1 [redacted]"],
  [/(X-Amz-(?:Security-Token|Signature|Credential))(=|%3D|: ?)[^&\s"'<>]+/gi, "$1$2[redacted]"],
  [/((?:SecretAccessKey|SessionToken|secret_access_key|session_token)["'\s:=>]+)[^\s"'<>&,}]+/gi, "$1[redacted]"],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, "$1[redacted]"],
  [/\bxox[a-z]-[\w-]+|\bxapp-[\w-]+/g, "[redacted]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[redacted]"],
];

/** A word with an address of Redis in it. Where its password ends is looked for in the word, and not by the expression. */
const addresses = /rediss?:\/\/\S*/g;

/** What is longer is cut: no failure says so much. In characters. */
const longest = 64 * 1024;
/** Cut off as well, since what stood there may be the beginning of a secret that its end would have given away. */
const doubtful = 1024;

/**
 * Takes everything that looks like a credential out of a text that came from outside: an error's message, the body
 * that a proxy answered with (some echo the request's headers). Errors on the safe side. A very long text is cut first.
 */
export function redact(text: string): string {
  if (text.length <= longest) return clean(text);
  return `${clean(text.slice(0, longest)).slice(0, -doubtful)} [${text.length - longest} more characters]`;
}

function clean(text: string): string {
  const others = secrets.reduce((known, [pattern, replacement]) => known.replace(pattern, replacement), text);
  return others.replace(addresses, withoutPassword);
}

/** `redis://user:password@host`, and of several addresses in one word all up to the last host. */
function withoutPassword(address: string): string {
  const user = address.indexOf("//") + 2;
  const host = address.lastIndexOf("@");
  const password = address.indexOf(":", user);
  if (password === -1 || host === -1 || password > host) return address;
  return `${address.slice(0, password)}:[redacted]${address.slice(host)}`;
}
