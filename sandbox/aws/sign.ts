import { createHash, createHmac } from "node:crypto";
import type { SandboxRequest } from "../http-server.ts";
import type { SignatureClaim } from "./signature-claim.ts";

/** The signature that a request should have, with the key of whom it claims to be from. Lower-case hex. */
export function sign(request: SandboxRequest, claim: SignatureClaim, secretAccessKey: string): string {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", claim.at, scope, sha256(canonicalRequest(request, claim))].join("\n");
  const key = [claim.date, claim.region, claim.service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac("sha256", key).update(text).digest("hex");
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
    // Every service but S3 signs the path encoded twice: as it is sent, and once more.
    request.url.pathname.split("/").map(encode).join("/"),
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
  return createHash("sha256").update(data).digest("hex");
}
