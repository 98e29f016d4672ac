const secrets: readonly (readonly [RegExp, string])[] = [
  [/k8s-aws-v1\.[\w-]+/g, "k8s-aws-v1.[redacted]"],
  [/\b(Bearer|Basic) [\w.~+/=-]{16,}/gi, "$1 [redacted]"],
  [/(X-Amz-(?:Security-Token|Signature|Credential))(=|%3D|: ?)[^&\s"'<>]+/gi, "$1$2[redacted]"],
  [/((?:SecretAccessKey|SessionToken|secret_access_key|session_token)["'\s:=>]+)[^\s"'<>&,}]+/gi, "$1[redacted]"],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, "$1[redacted]"],
  [/\bxox[a-z]-[\w-]+|\bxapp-[\w-]+/g, "[redacted]"],
  [/(rediss?:\/\/[^:@/\s]*):[^@\s]+@/g, "$1:[redacted]@"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[redacted]"],
];

/**
 * Takes everything that looks like a credential out of a text that came from outside: an error's message, the body
 * that a proxy answered with (some echo the request's headers). Errors on the safe side.
 */
export function redact(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}
