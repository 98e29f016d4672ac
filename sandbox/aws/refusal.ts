import type { SandboxAnswer } from "../http-server.ts";

/** Refuses a request, with the code of the query protocol (STS); the JSON protocols have other names. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  /** Further members of the error in the JSON protocols. */
  readonly more: object;

  constructor(code: string, message: string, status = 400, more: object = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.more = more;
  }
}

/** @throws Refusal */
export function refuse(...of: ConstructorParameters<typeof Refusal>): never {
  throw new Refusal(...of);
}

export function attempt<T>(act: () => T): T | Refusal {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** One page of a list. The token says how many items are on earlier pages. */
export interface Page<T> {
  items: readonly T[];
  nextToken?: string;
}

export function pageOf<T>(all: readonly T[], start: number, size: number): Page<T> {
  const end = start + size;
  return { items: all.slice(start, end), ...(end < all.length && { nextToken: String(end) }) };
}

/** The JSON protocols' names of errors that STS calls differently (EKS API reference, "Common Errors"). */
const jsonCodes: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDeniedException",
  ExpiredToken: "ExpiredTokenException",
  IncompleteSignature: "IncompleteSignatureException",
  InvalidClientTokenId: "UnrecognizedClientException",
  MissingAuthenticationToken: "MissingAuthenticationTokenException",
  SignatureDoesNotMatch: "InvalidSignatureException",
  Throttling: "ThrottlingException",
};

/** An error in the query protocol's XML, as STS gives it. Also for faults: `stsError("Throttling", "Rate exceeded", 400)`. */
export function stsError(code: string, message: string, status = 400, id: string = crypto.randomUUID()): SandboxAnswer {
  const body =
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    <Type>${status < 500 ? "Sender" : "Receiver"}</Type>\n` +
    `    <Code>${escapeXml(code)}</Code>\n    <Message>${escapeXml(message)}</Message>\n  </Error>\n` +
    `  <RequestId>${id}</RequestId>\n</ErrorResponse>\n`;
  return { status, headers: { "content-type": "text/xml", "x-amzn-requestid": id }, body };
}

/** An error of restJson1, as in EKS: the code is in a header. `more` adds members to the message. */
export function eksError(code: string, message: string, status = 400, more: object = {}): SandboxAnswer {
  const headers = { "x-amzn-errortype": jsonCodes[code] ?? code, "x-amzn-requestid": crypto.randomUUID() };
  return { status, headers, body: JSON.stringify({ ...more, message }) };
}

/** An error of awsJson1_1, as CloudTrail gives it: the code is in the body. `more` adds members to the message. */
export function jsonError(code: string, Message: string, more: object = {}): SandboxAnswer {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": crypto.randomUUID() };
  return { status: 400, headers, body: JSON.stringify({ __type: jsonCodes[code] ?? code, Message, ...more }) };
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
