import { AccessError, type FailureCode, outOfTimeRemedy } from "../access/access-error.ts";
import { outsideWords } from "../access/redact.ts";

/** By the error's name in the SDK. STS says AccessDenied, EKS AccessDeniedException. */
const codes: ReadonlyMap<string, FailureCode> = new Map([
  ["AccessDenied", "aws-access-denied"],
  ["AccessDeniedException", "aws-access-denied"],
  ["UnauthorizedException", "aws-access-denied"],
  ["ExpiredToken", "aws-credentials-expired"],
  ["ExpiredTokenException", "aws-credentials-expired"],
  ["RequestExpired", "aws-credentials-expired"],
  ["CredentialsProviderError", "aws-credentials-missing"],
  ["TokenProviderError", "aws-credentials-missing"],
  ["InvalidClientTokenId", "aws-credentials-invalid"],
  ["IDPRejectedClaimException", "aws-credentials-invalid"],
  ["InvalidIdentityTokenException", "aws-credentials-invalid"],
  ["UnrecognizedClientException", "aws-credentials-invalid"],
  ["InvalidSignatureException", "aws-credentials-invalid"],
  ["SignatureDoesNotMatch", "aws-credentials-invalid"],
  ["MissingAuthenticationToken", "aws-credentials-missing"],
  ["RequestTimeTooSkewed", "clock-wrong"],
  ["RequestInTheFuture", "clock-wrong"],
  ["RegionDisabledException", "aws-region-disabled"],
  ["Throttling", "aws-throttled"],
  ["ThrottlingException", "aws-throttled"],
  ["TooManyRequestsException", "aws-throttled"],
  ["SlowDown", "aws-throttled"],
  ["RequestLimitExceeded", "aws-throttled"],
  ["ValidationError", "aws-request-refused"],
  ["ValidationException", "aws-request-refused"],
  ["InvalidParameterException", "aws-request-refused"],
  ["InvalidRequestException", "aws-request-refused"],
  ["InvalidRequest", "aws-request-refused"],
  ["NoSuchBucket", "aws-request-refused"],
  ["MalformedPolicyDocumentException", "aws-request-refused"],
  ["PackedPolicyTooLargeException", "aws-request-refused"],
  ["TimeoutError", "aws-unreachable"],
  ["AbortError", "aws-unreachable"],
  ["ServerException", "aws-failing"],
  ["ServiceUnavailableException", "aws-failing"],
]);

/** By STS as SignatureDoesNotMatch, by others as InvalidSignatureException: names that they have for a wrong key too. */
const clockWords = /^Signature (?:expired|not yet current): /;

/** Of Node's network stack and its TLS: the call had no answer. */
const networkCodes =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|EPROTO|CERT_\w+|\w+_CERT\w*|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_SSL_\w+)$/;

/** As below: AWS redirects no call without saying why, and its answers can be read. */
const notOfAws = /^HTTP [23]/;

/** Node's: a key or a token with the end of a line is no header. */
const notSent = "ERR_INVALID_CHAR";

/** Whether it is a failure of a connection, or a time limit of ours or of the SDK. */
export function isOfNetwork(error: Error): boolean {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return networkCodes.test(code) || error.name === "TimeoutError" || error.name === "AbortError";
}

/** In characters. A message in Slack has to hold the answer, the log has more of it, and a gateway can answer with any name. */
const longest = { answer: 400, logged: 4_000, name: 100 };

/** Translates a failure of an AWS call. @param what action and resource in IAM's form: `sts:AssumeRole on arn:aws:iam::…` */
export function awsFailure(error: unknown, what: string): AccessError {
  if (error instanceof AccessError) return error;
  const { name: fullName, message, networkCode, status } = factsOf(error);
  const name = outsideWords(fullName, longest.name);
  const known = clockWords.test(message) ? "clock-wrong" : codes.get(name);
  const isForeign = notOfAws.test(name);
  const code = known ?? (isForeign ? "aws-unreachable" : codeByTransport(networkCode, status));
  const answer = outsideWords(message, longest.answer);
  const remedy = isForeign ? "Check for a proxy or login page." : outOfTimeRemedy(networkCode);
  return new AccessError(code, `${subjectOf(code, networkCode)} ${what} (${name}${answer ? `: ${answer}` : ""})`, {
    // The SDK's own error holds the whole response.
    cause: Object.assign(new Error(outsideWords(message, longest.logged)), { name, status }),
    ...(remedy && { remedy }),
  });
}

function codeByTransport(networkCode: string, status: number | undefined): FailureCode {
  if (networkCodes.test(networkCode)) return "aws-unreachable";
  if (networkCode === notSent) return "aws-credentials-invalid";
  if (status === 429) return "aws-throttled";
  if (status === 403) return "aws-access-denied";
  // Each service has its own names for this, and a gateway before it has none.
  if (status !== undefined && status >= 500) return "aws-failing";
  return "aws-unexpected";
}

function subjectOf(code: FailureCode, networkCode: string): string {
  if (networkCode === notSent) return "Can't send";
  if (code === "aws-unreachable") return "Can't reach AWS for";
  if (code === "aws-credentials-missing") return "The worker has no AWS credentials for";
  if (code === "aws-throttled") return "AWS throttled";
  if (code === "aws-unexpected" || code === "aws-failing") return "AWS failed at";
  return "AWS refused";
}

interface SdkError {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  /** Present if the SDK could not read an answer. */
  readonly $response?: { readonly statusCode?: number };
}

interface AwsErrorFacts {
  name: string;
  message: string;
  networkCode: string;
  status: number | undefined;
}

function factsOf(error: unknown): AwsErrorFacts {
  if (!(error instanceof Error)) return { name: "Error", message: "", networkCode: "", status: undefined };
  // A call after its deadline has the reason here.
  if (error.name === "AbortError" && error.cause instanceof Error) return factsOf(error.cause);
  const { code, $metadata, $response } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  const networkCode = typeof code === "string" ? code : "";
  const isNamed = !/^(?:Unknown\w*|Error|SyntaxError|TypeError)$/.test(error.name);
  if (status !== undefined && !networkCode && !isNamed) {
    // The SDK's words about an unreadable answer are about its parser.
    return { name: `HTTP ${status}`, message: "", networkCode, status };
  }
  return {
    // Node's own errors have their meaning in their code: ECONNREFUSED.
    name:
      networkCode && (/^(?:Type)?Error$/.test(error.name) || networkCodes.test(networkCode)) ? networkCode : error.name,
    // The SDK adds words about its parser. A service can answer with another type.
    message:
      typeof error.message === "string" ? error.message.replace(/(?<!\s)\s*Deserialization error: .*$/s, "") : "",
    networkCode,
    status,
  };
}
