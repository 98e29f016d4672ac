import { request } from "node:http";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Credentials } from "../../../sandbox/aws/identities.ts";
import { sha256 } from "./sha256.ts";

export interface PresignOptions {
  cluster?: string;
  service?: string;
  region?: string;
  host?: string;
  expiresIn?: number;
  signedAt?: Date;
  /** Parameters beside Action and Version, signed like these. */
  query?: Readonly<Record<string, string>>;
}

/** A presigned GetCallerIdentity as `aws eks get-token` makes one: with the cluster's name in a signed header. */
export async function presign(credentials: Credentials, options: PresignOptions = {}): Promise<string> {
  const {
    cluster = "main",
    service = "sts",
    region = "eu-central-1",
    host = "sts.eu-central-1.amazonaws.com",
  } = options;
  const signer = new SignatureV4({ service, region, credentials, sha256 });
  const unsigned = new HttpRequest({
    method: "GET",
    protocol: "https:",
    hostname: host,
    path: "/",
    headers: { host, "x-k8s-aws-id": cluster },
    query: { Action: "GetCallerIdentity", Version: "2011-06-15", ...options.query },
  });
  const { query = {} } = await signer.presign(unsigned, {
    expiresIn: options.expiresIn ?? 60,
    unhoistableHeaders: new Set(["x-k8s-aws-id"]),
    ...(options.signedAt ? { signingDate: options.signedAt } : {}),
  });
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return `https://${host}/?${pairs.join("&")}`;
}

/** Sends a presigned URL to the sandbox's STS as an authenticator would; `sentCluster` and `sentHost` are what a forger changes. */
export async function sendPresigned(
  url: string,
  credentials: Credentials,
  options: PresignOptions & { sentCluster?: string; sentHost?: string } = {},
): Promise<{ status: number; body: string }> {
  const presigned = new URL(await presign(credentials, options));
  const headers = {
    host: options.sentHost ?? presigned.host,
    "x-k8s-aws-id": options.sentCluster ?? options.cluster ?? "main",
    accept: "application/json",
  };
  return new Promise((resolve, reject) => {
    const call = request(`${url}${presigned.pathname}${presigned.search}`, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    call.on("error", reject);
    call.end();
  });
}
