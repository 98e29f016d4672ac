import { STSClient } from "@aws-sdk/client-sts";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentials } from "./client-settings.ts";

/** The signature covers the cluster's name in EKS: a token for one cluster is useless at another. */
const clusterHeader = "x-k8s-aws-id";

interface RegionalSts {
  readonly host: string;
  /** Its own SHA-256, by Node's crypto. */
  readonly sha256: STSClient["config"]["sha256"];
}

const regions = new Map<string, RegionalSts>();

/**
 * A bearer token for one EKS cluster: a presigned STS GetCallerIdentity that the cluster's authenticator sends to STS. It is
 * accepted until 15 minutes after `now`. The API server remembers its answer to a token: a check of the present needs a new one.
 * Format: aws-iam-authenticator, pkg/token.
 *
 * @param now the time of signing, in whole seconds
 * @param expiresIn seconds in the signature. The AWS CLI signs 60; the authenticator counts 15 minutes from X-Amz-Date anyway.
 *   It makes two tokens of one second differ.
 */
export async function mintToken(
  credentials: AwsCredentials,
  cluster: { readonly eksName: string; readonly region: string },
  now: Date,
  expiresIn = 60,
): Promise<string> {
  const { host, sha256 } = regionalSts(cluster.region);
  const signer = new SignatureV4({ service: "sts", region: cluster.region, credentials, sha256 });
  const request = new HttpRequest({
    method: "GET",
    protocol: "https:",
    hostname: host,
    path: "/",
    query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
    headers: { host, [clusterHeader]: cluster.eksName },
  });
  const signed = await signer.presign(request, { expiresIn, signingDate: now });
  return `k8s-aws-v1.${Buffer.from(urlOf(signed), "utf8").toString("base64url")}`;
}

/** The STS host of a region, by the SDK's rules. Not AWS_ENDPOINT_URL_STS: the authenticator accepts no other host. */
export function stsHost(region: string): string {
  return regionalSts(region).host;
}

function regionalSts(region: string): RegionalSts {
  const known = regions.get(region);
  if (known) return known;
  const client = new STSClient({ region });
  const { sha256, endpointProvider } = client.config;
  const { url } = endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false });
  client.destroy();
  const found = { host: url.hostname, sha256 };
  regions.set(region, found);
  return found;
}

function urlOf(request: { hostname: string; path: string; query?: HttpRequest["query"] }): string {
  const query = Object.entries(request.query ?? {}).flatMap(([key, value]) =>
    [value ?? []].flat().map((each) => `${encodeURIComponent(key)}=${encodeURIComponent(each)}`),
  );
  return `https://${request.hostname}${request.path}?${query.join("&")}`;
}
