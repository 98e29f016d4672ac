import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Credentials } from "../../../sandbox/aws/identities.ts";
import { sha256 } from "./sha256.ts";

/** Sends a request that no SDK would make, signed as the SDKs sign theirs. */
export async function sendSigned(
  url: string,
  credentials: Credentials,
  { service, method, path, body }: { service: string; method: string; path: string; body: string },
): Promise<Response> {
  const { host } = new URL(url);
  const headers = { host, "content-type": "application/x-www-form-urlencoded" };
  const signer = new SignatureV4({ service, region: "eu-central-1", credentials, sha256 });
  const unsigned = new HttpRequest({ method, protocol: "http:", hostname: host, path, headers, body });
  const { headers: signed } = await signer.sign(unsigned);
  return fetch(`${url}${path}`, { method, headers: signed, body });
}
