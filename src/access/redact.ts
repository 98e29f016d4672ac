import { answerTooLarge } from "./bounded-pages.ts";

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
  [/(\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s/?#:@"'<>]{0,256}:)[^\s/?#@"'<>]{1,512}@/gi, "$1[redacted]@"],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g, "$1[redacted]"],
  [/\bxox[a-z]-[\w-]+|\bxapp-[\w-]+/g, "[redacted]"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[redacted]"],
];

const addresses = /rediss?:\/\/\S*/g;

/** In characters. Longer texts are cut: no failure says so much. */
const longest = 64 * 1024;
/** Cut too: a secret can begin here, and only its lost end would show it. */
const uncertainEnd = 1024;

/**
 * Removes everything that looks like a credential from outside text, such as a proxy's page that echoes the request. Cuts a very
 * long text.
 */
export function redact(text: string): string {
  if (text.length <= longest) return clean(text);
  return `${clean(text.slice(0, longest)).slice(0, -uncertainEnd)} [${text.length - longest} more characters]`;
}

/** Outside words for a sentence: on one line, without credentials, and without control characters, which a terminal would obey. */
export function outsideWords(text: string, most: number): string {
  return redact(text)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, most)
    .replace(/\.$/, "");
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

export interface AnswerBounds {
  readonly bytes: number;
  /** Members and items of JSON: two megabytes of `[` block the process for most of a second. */
  readonly values: number;
}

const deepest = 100;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

interface Looked {
  bytes: number;
  values: number;
  depth: number;
  isText: boolean;
  /** The bytes of the next part to skip: one, after a backslash at the end of this part. */
  ahead: number;
}

/**
 * Refuses an answer beyond the bounds while it arrives, before a parser sees it. @throws AccessError `answer-too-large`, from
 * the returned function
 */
export function answerGuard({ bytes, values }: AnswerBounds, what: string): (part: Uint8Array) => void {
  const looked: Looked = { bytes: 0, values: 0, depth: 0, isText: false, ahead: 0 };
  return (part) => {
    looked.bytes += part.length;
    if (looked.bytes > bytes) throw answerTooLarge(`${what} answers with more than ${bytes} bytes`);
    look(looked, part);
    if (looked.depth > deepest) throw answerTooLarge(`${what} answers with values nested deeper than ${deepest}`);
    if (looked.values > values) throw answerTooLarge(`${what} answers with more than ${values} values`);
  };
}

function look(looked: Looked, part: Uint8Array): void {
  let { values, depth, isText, ahead: at } = looked;
  while (at < part.length && depth <= deepest) {
    // A large answer is mostly a few long texts: this loop costs one comparison a byte.
    if (isText) {
      while (at < part.length && part[at] !== quote) at += part[at] === backslash ? 2 : 1;
      if (at >= part.length) break;
      isText = false;
    } else {
      const byte = part[at];
      if (byte === quote) isText = true;
      else if (byte === comma) values += 1;
      else if (byte === closeList || byte === closeObject) depth -= 1;
      else if (byte === openList || byte === openObject) {
        values += 1;
        depth += 1;
      }
    }
    at += 1;
  }
  Object.assign(looked, { values, depth, isText, ahead: Math.max(0, at - part.length) });
}

/** Reads an answer's body within bounds; leaving the loop ends the stream. @throws AccessError `answer-too-large` */
export async function boundedText(
  body: AsyncIterable<Uint8Array>,
  bounds: AnswerBounds,
  what: string,
): Promise<string> {
  const parts: Uint8Array[] = [];
  let read = 0;
  for await (const part of body) {
    read += part.length;
    if (read > bounds.bytes) throw answerTooLarge(`${what} answers with more than ${bounds.bytes} bytes`);
    parts.push(part);
  }
  return textWithin(Buffer.concat(parts), bounds, what);
}

/** @throws AccessError `answer-too-large` */
export function textWithin(answer: Buffer, bounds: AnswerBounds, what: string): string {
  answerGuard(bounds, what)(answer);
  return answer.toString("utf8");
}

/** Control characters and direction marks, except line ends. */
const unprintable = /[^\P{C}\n\t]|[\u2028\u2029]/gu;
/** The colours of our own lines, after their escape. */
const ownColours = /^\[(?:0|1|22|3[12569]|90)m/;

/** A terminal carries out what is in a name of a cluster, of AWS or of Redis: it gets escapes instead. */
export function forTerminal(text: string): string {
  return text.replace(unprintable, (sign, at: number) => {
    const next = text.slice(at + 1, at + 5);
    const isOurs = sign === "\r" ? next.startsWith("\n") : sign.charCodeAt(0) === 0x1b && ownColours.test(next);
    return isOurs ? sign : `\\u{${sign.codePointAt(0)?.toString(16)}}`;
  });
}
