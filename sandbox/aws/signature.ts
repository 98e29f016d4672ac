import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import type { Caller } from "./identities.ts";
import { attempt, Refusal, refuse } from "./refusal.ts";

/** The allowed age of a signature, also in the future. STS ignores X-Amz-Expires: a presigned URL lives for 15 minutes (aws-iam-authenticator, pkg/token). */
const skewMinutes = 5;
const presignedMinutes = 15;

export type Signed = { caller: Caller; region: string };

/** The answer to the signer, or a refusal in the words of the service's protocol. */
export function answerSigned(
  context: AwsContext,
  request: SandboxRequest,
  service: string,
  errorOf: (code: string, message: string, status: number, more: object) => SandboxAnswer,
  answer: (signed: Signed) => SandboxAnswer,
): SandboxAnswer {
  const inWords = ({ code, message, status, more }: Refusal) => errorOf(code, message, status, more);
  const signed = attempt(() => verifySignature(request, service, context));
  if (signed instanceof Refusal) return inWords(signed);
  const answered = attempt(() => answer(signed));
  return { ...(answered instanceof Refusal ? inWords(answered) : answered), by: signed.caller.arn };
}

/** @throws Refusal */
export function verifySignature(
  request: SandboxRequest,
  service: string,
  { account, now: clock }: Pick<AwsContext, "account" | "now">,
): Signed {
  const claim = readClaim(request);
  const now = clock();
  const caller = account.caller(claim.accessKeyId);
  if (!caller || caller.session?.token !== claim.sessionToken) {
    refuse("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
  }
  const problem = scopeProblem(request, claim, service) ?? clockProblem(claim, now);
  if (problem) refuse("SignatureDoesNotMatch", problem, 403);
  const expected = Buffer.from(sign(request, claim, caller));
  const given = Buffer.from(claim.signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    refuse(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
      403,
    );
  }
  if (caller.session && caller.session.expiresAt <= now) {
    refuse("ExpiredToken", "The security token included in the request is expired", 403);
  }
  return { caller, region: claim.region };
}

function scopeProblem(request: SandboxRequest, claim: SignatureClaim, service: string): string | undefined {
  if (claim.service !== service) return `Credential should be scoped to correct service: '${service}'.`;
  if (claim.date !== claim.at.slice(0, 8)) {
    return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.date}' != '${claim.at.slice(0, 8)}', from '${claim.at}'.`;
  }
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d$/.test(claim.region) || (hostRegion(request) ?? claim.region) !== claim.region) {
    return "Credential should be scoped to a valid region. ";
  }
  return claim.signedHeaders.includes("host")
    ? undefined
    : "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
}

/** The region in a real endpoint's name; the sandbox's own address serves all regions. */
function hostRegion(request: SandboxRequest): string | undefined {
  const [, service, region] =
    /^(\w+)\.(?:([a-z0-9-]+)\.)?amazonaws\.com(?:\.cn)?$/.exec(request.headers.host ?? "") ?? [];
  return service === undefined ? undefined : (region ?? "us-east-1");
}

function clockProblem(claim: SignatureClaim, now: Date): string | undefined {
  const signed = signedAt(claim.at);
  const minutes = claim.presigned ? presignedMinutes : skewMinutes;
  const limit = (ms: number) => `${amzDate(new Date(now.getTime() + ms))} (${amzDate(now)}`;
  if (!(signed >= now.getTime() - minutes * 60_000)) {
    return `Signature expired: ${claim.at} is now earlier than ${limit(-minutes * 60_000)} - ${minutes} min.)`;
  }
  if (signed > now.getTime() + skewMinutes * 60_000) {
    return `Signature not yet current: ${claim.at} is still later than ${limit(skewMinutes * 60_000)} + ${skewMinutes} min.)`;
  }
  return undefined;
}

/** Milliseconds since 1970 of `20260131T120000Z`; NaN: another form. */
export function signedAt(text: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

function amzDate(date: Date): string {
  return `${date.toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}

function sign(request: SandboxRequest, claim: SignatureClaim, caller: Caller): string {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", claim.at, scope, sha256(canonicalRequest(request, claim))].join("\n");
  return createHmac("sha256", signingKey(scope, caller)).update(text).digest("hex");
}

const signingKeys = new WeakMap<Caller["identity"], Map<string, string | Buffer>>();

/** Kept: making one takes as long as the rest of a verification. */
function signingKey(scope: string, { identity, secretAccessKey }: Caller): string | Buffer {
  const known = signingKeys.get(identity) ?? new Map<string, string | Buffer>();
  signingKeys.set(identity, known);
  const sign = (key: string | Buffer, part: string) => createHmac("sha256", key).update(part).digest();
  const of = `${secretAccessKey}/${scope}`;
  const key = known.get(of) ?? scope.split("/").reduce<string | Buffer>(sign, `AWS4${secretAccessKey}`);
  known.set(of, key);
  return key;
}

function canonicalRequest(request: SandboxRequest, claim: SignatureClaim): string {
  const headers = claim.signedHeaders.map((name) => {
    const value = request.headers[name];
    return `${name}:${String(value ?? "")
      .trim()
      .replace(/\s+/g, " ")}\n`;
  });
  return [
    request.method,
    // Every service but S3 signs the path encoded twice.
    claim.service === "s3" ? request.url.pathname : request.url.pathname.split("/").map(encode).join("/"),
    canonicalQuery(request.url),
    headers.join(""),
    claim.signedHeaders.join(";"),
    sha256(request.body),
  ].join("\n");
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1))
    .map((pair) => pair.join("="))
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return hash("sha256", data);
}

/** Not verified yet. */
type SignatureClaim = ReturnType<typeof readClaim>;

/** Reads Signature Version 4 from the Authorization header or the query (IAM User Guide, "Create a signed AWS API request"). */
function readClaim(request: SandboxRequest) {
  const presigned = request.headers.authorization === undefined;
  if (presigned && !request.url.searchParams.has("X-Amz-Signature")) {
    refuse("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  const inQuery: PartReader = (part) => request.url.searchParams.get(`X-Amz-${part}`) ?? undefined;
  const read = presigned ? inQuery : headerReader(request);
  const [accessKeyId, date, region, service, end] = (read("Credential") ?? "").split("/");
  const signature = read("Signature");
  const signedHeaders = read("SignedHeaders")?.split(";");
  /** `20260131T120000Z`. */
  const at = read("Date");
  if (!accessKeyId || !date || !region || !service || end !== "aws4_request" || !signature || !signedHeaders) {
    refuse("IncompleteSignature", "The request signature does not conform to AWS standards.", 403);
  }
  if (at === undefined || !/^\d{8}T\d{6}Z$/.test(at)) {
    const wanted = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    refuse("IncompleteSignature", wanted, 403);
  }
  const sessionToken = read("Security-Token");
  return { accessKeyId, date, region, service, signature, at, signedHeaders, sessionToken, presigned };
}

type PartReader = (part: string) => string | undefined;

/** Three parts are in the Authorization header, the others have their own headers. */
function headerReader({ headers }: SandboxRequest): PartReader {
  return (part) => {
    const own = headers[`x-amz-${part.toLowerCase()}`];
    return (
      new RegExp(`\\b${part}=([^,\\s]+)`).exec(headers.authorization ?? "")?.[1] ??
      (typeof own === "string" ? own : undefined)
    );
  };
}
