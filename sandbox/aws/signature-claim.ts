import type { SandboxRequest } from "../http-server.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What a request says about its own signature, before anything of it is believed. */
export interface SignatureClaim {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
  /** `20260131T120000Z`. */
  at: string;
  sessionToken: string | undefined;
  presigned: boolean;
}

/** Reads Signature Version 4 from the Authorization header or from the query (IAM User Guide, "Create a signed AWS API request"). */
export function readClaim(request: SandboxRequest): SignatureClaim | Refusal {
  const presigned = request.headers.authorization === undefined;
  if (presigned && !request.url.searchParams.has("X-Amz-Signature")) {
    return refuse("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  }
  const read = presigned ? queryReader(request) : headerReader(request);
  const [accessKeyId, date, region, service, end] = (read("Credential") ?? "").split("/");
  const signature = read("Signature");
  const signedHeaders = read("SignedHeaders")?.split(";");
  const at = read("Date");
  if (!accessKeyId || !date || !region || !service || end !== "aws4_request" || !signature || !signedHeaders) {
    return refuse("IncompleteSignature", "The request signature does not conform to AWS standards.", 403);
  }
  if (at === undefined || !/^\d{8}T\d{6}Z$/.test(at)) {
    const wanted = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    return refuse("IncompleteSignature", wanted, 403);
  }
  const sessionToken = read("Security-Token");
  return { accessKeyId, date, region, service, signature, at, signedHeaders, sessionToken, presigned };
}

type PartReader = (part: string) => string | undefined;

function queryReader({ url }: SandboxRequest): PartReader {
  return (part) => url.searchParams.get(`X-Amz-${part}`) ?? undefined;
}

/** Three parts stand in the Authorization header, the others in headers of their own. */
function headerReader({ headers }: SandboxRequest): PartReader {
  return (part) => {
    const own = headers[`x-amz-${part.toLowerCase()}`];
    return (
      new RegExp(`\\b${part}=([^,\\s]+)`).exec(headers.authorization ?? "")?.[1] ??
      (typeof own === "string" ? own : undefined)
    );
  };
}
