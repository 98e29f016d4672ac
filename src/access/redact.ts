const named = "X-Amz-(?:Security-Token|Signature|Credential)|X-Slack-Signature|Secret_?Access_?Key|Session_?Token";
/** Some proxies echo the request's headers as JSON, in a page or in a URL. */
const gap = "[\"'\\s\\\\([]|%2[027]|%5B|&quot;|&#3[49];";
const equals = "[:=>]|%3[AD]|</?\\w{1,8}>";

/** Each expression runs in linear time: a hostile answer must not keep the process busy. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/k8s-aws-v1\.[\w-]+/g, "k8s-aws-v1.[redacted]"],
  [/\b(Bearer|Basic) [\w.~+/=-]{16,}/gi, "$1 [redacted]"],
  [
    new RegExp(
      `((?:${named})(?:${gap}){0,4}(?:${equals})(?:${gap}|${equals}){0,12})(?:[^\\s"'<>&,}\\\\]|\\\\/)+`,
      "gi",
    ),
    "$1[redacted]",
  ],
  [/\b(Signature=)[0-9a-f]{16,}/gi, "$1[redacted]"],
  [/\beyJ[\w-]{8,1024}\.[\w-]{4,8192}\.[\w-]+|\bwhsec_[\w+/=-]+/g, "[redacted]"],
  [/(\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s/?#:@"'<>]{0,256}:)[^\s/?#"'<>]{1,512}@/gi, "$1[redacted]@"],
  [/\b(hooks\.slack(?:-gov)?\.com)[\\/%][\w\\/%-]+/gi, "$1/[redacted]"],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, "$1[redacted]"],
  [/\bxox[a-z]-[\w-]+|\bxapp-[\w-]+/g, "[redacted]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[redacted]"],
];

const addresses = /rediss?:\/\/\S*/g;

/** In characters. Longer texts are cut: no failure says so much. */
const longest = 64 * 1024;
/** Cut too: a secret can begin here, and only its lost end would show it. */
const uncertainEnd = 1024;

/** Removes what looks like a credential, such as in a proxy's page that echoes the request. Cuts a very long text. */
export function redact(text: string): string {
  if (text.length <= longest) return clean(text);
  return `${clean(text.slice(0, longest)).slice(0, -uncertainEnd)} [${text.length - longest} more characters]`;
}

/** The start of a text. It ends before a character that the cut would halve: Redis, addresses and Slack's form take no half. */
export function startOf(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
}

/** Outside words for a sentence: on one line, without credentials, and without control characters, which a terminal would obey. */
export function outsideWords(text: string, most: number): string {
  const line = redact(text)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim();
  return startOf(line, most).replace(/\.$/, "");
}

function clean(text: string): string {
  const others = secrets.reduce((known, [pattern, replacement]) => known.replace(pattern, replacement), text);
  return others.replace(addresses, withoutPassword);
}

/** `redis://user:password@host`. With several addresses in one word, everything up to the last host. */
function withoutPassword(address: string): string {
  const user = address.indexOf("//") + 2;
  const host = address.lastIndexOf("@");
  const password = address.indexOf(":", user);
  if (password === -1 || host === -1 || password > host) return address;
  return `${address.slice(0, password)}:[redacted]${address.slice(host)}`;
}

/** Control characters and direction marks, except line ends. */
const unprintable = /[^\P{C}\n\t]|[\u2028\u2029]/gu;
/** A terminal carries out what is in a name of a cluster, of AWS or of Redis: it gets escapes instead. They are those of JSON. */
export function forTerminal(text: string): string {
  return text.replace(unprintable, (sign, at: number) =>
    sign === "\r" && text[at + 1] === "\n" ? sign : jsonEscapes(sign),
  );
}

export function jsonEscapes(sign: string): string {
  return Array.from({ length: sign.length }, (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
    "",
  );
}
